//! A single sign-on provider that says what a case wants it to say.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use data_encoding::BASE64URL_NOPAD;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::device::signing_key;

pub const CLIENT: &str = "keji";
pub const SECRET: &str = "a secret of the trials, long enough";

/// What is said at the next sign-in.
#[derive(Debug, Clone)]
pub struct Say {
    pub header: Json,
    /// Of these, null leaves a claim out.
    pub claims: Json,
    pub signed: Signed,
    /// In place of an ID token.
    pub token: Option<Json>,
    pub userinfo: Json,
    pub status: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    Well,
    Not,
    /// By a key that the provider does not have.
    Otherwise,
    /// With what both sides know.
    WithTheSecret,
    /// With what everybody knows.
    WithThePublicKey,
    Bent,
}

impl Default for Say {
    fn default() -> Say {
        Say {
            header: json!({ "alg": "ES256", "kid": "k1" }),
            claims: json!({}),
            signed: Signed::Well,
            token: None,
            userinfo: json!({}),
            status: 200,
        }
    }
}

pub struct Provider {
    pub address: SocketAddr,
    say: Arc<Mutex<Say>>,
    /// The ID token that was given out last.
    last: Arc<Mutex<String>>,
}

impl Provider {
    pub fn start() -> Result<Provider> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let provider = Provider {
            address: listener.local_addr()?,
            say: Arc::default(),
            last: Arc::default(),
        };
        let (say, last, issuer) = (
            provider.say.clone(),
            provider.last.clone(),
            provider.issuer(),
        );
        // It ends with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let said = held(&say).clone();
                let _ = answer(stream, &issuer, &said, &last);
            }
        });
        Ok(provider)
    }

    pub fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn will_say(&self, say: Say) {
        *held(&self.say) = say;
    }

    pub fn last_token(&self) -> String {
        held(&self.last).clone()
    }
}

fn held<T>(lock: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(mut stream: TcpStream, issuer: &str, say: &Say, last: &Mutex<String>) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    while !read.windows(4).any(|w| w == b"\r\n\r\n") {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        read.extend(&buffer[..n]);
    }
    let head = String::from_utf8_lossy(&read).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let (status, body) = match path {
        "/.well-known/openid-configuration" => (
            200,
            json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"),
                "jwks_uri": format!("{issuer}/keys"),
                "userinfo_endpoint": format!("{issuer}/userinfo"),
            }),
        ),
        "/keys" => (200, json!({ "keys": [public(&key(1)?)?] })),
        "/userinfo" => (200, say.userinfo.clone()),
        "/token" => {
            let token = match &say.token {
                Some(token) => token.clone(),
                None => json!(id_token(issuer, say)?),
            };
            *held(last) = token.as_str().unwrap_or_default().to_owned();
            let body = json!({ "access_token": "a", "token_type": "Bearer", "id_token": token });
            (say.status, body)
        }
        _ => (404, json!({})),
    };
    let body = body.to_string();
    write!(
        stream,
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    Ok(())
}

fn key(seed: u8) -> Result<SigningKey> {
    signing_key(&[seed; 32])
}

fn public(key: &SigningKey) -> Result<Json> {
    let point = key.verifying_key().to_encoded_point(false);
    let part = |bytes: Option<&_>| -> Result<String> {
        let bytes: &[u8] = bytes.map(AsRef::<[u8]>::as_ref).context("no coordinate")?;
        Ok(BASE64URL_NOPAD.encode(bytes))
    };
    let (x, y) = (
        point.x().map(|x| x.as_slice()),
        point.y().map(|y| y.as_slice()),
    );
    let (x, y) = (part(x.as_ref())?, part(y.as_ref())?);
    Ok(
        json!({ "kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig", "alg": "ES256", "x": x, "y": y }),
    )
}

fn id_token(issuer: &str, say: &Say) -> Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut claims = json!({ "iss": issuer, "aud": CLIENT, "iat": now, "exp": now + 300 });
    for (name, value) in say.claims.as_object().into_iter().flatten() {
        claims[name] = value.clone();
    }
    if let Some(claims) = claims.as_object_mut() {
        claims.retain(|_, value| !value.is_null());
    }
    let part = |json: &Json| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    let signed = format!("{}.{}", part(&say.header), part(&claims));
    let by = |seed| -> Result<Vec<u8>> {
        let signature: Signature = key(seed)?.sign(signed.as_bytes());
        Ok(signature.to_bytes().to_vec())
    };
    let signature = match say.signed {
        Signed::Well => by(1)?,
        Signed::Not => Vec::new(),
        Signed::Otherwise => by(2)?,
        Signed::WithTheSecret => hmac(SECRET.as_bytes(), signed.as_bytes()),
        Signed::WithThePublicKey => {
            let point = key(1)?.verifying_key().to_encoded_point(false);
            hmac(point.as_bytes(), signed.as_bytes())
        }
        Signed::Bent => {
            let mut signature = by(1)?;
            signature[5] ^= 1;
            signature
        }
    };
    Ok(format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature)))
}

/// HMAC with SHA-256 (RFC 2104), of keys up to 64 bytes.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut padded = [0; 64];
    let n = key.len().min(64);
    padded[..n].copy_from_slice(&key[..n]);
    if key.len() > 64 {
        padded = [0; 64];
        padded[..32].copy_from_slice(&Sha256::digest(key));
    }
    let with = |byte: u8| padded.map(|b| b ^ byte);
    let inner = Sha256::new()
        .chain_update(with(0x36))
        .chain_update(text)
        .finalize();
    let outer = Sha256::new()
        .chain_update(with(0x5c))
        .chain_update(inner)
        .finalize();
    outer.to_vec()
}
