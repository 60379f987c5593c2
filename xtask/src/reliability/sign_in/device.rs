//! An authenticator in software, which can also do what none does.

use anyhow::{Context, Result, anyhow};
use data_encoding::BASE64URL_NOPAD;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

pub const USED: u8 = 0x01;
pub const UNLOCKED: u8 = 0x04;
const MADE: u8 = 0x40;

/// What is said wrongly; `Lie::default()` is nothing.
#[derive(Debug, Clone, Default)]
pub struct Lie {
    pub origin: Option<&'static str>,
    pub kind: Option<&'static str>,
    pub rp: Option<&'static str>,
    pub flags: Option<u8>,
    pub challenge: Option<String>,
    pub is_foreign_frame: bool,
    /// Where the counter stands.
    pub count: Option<u32>,
    /// The signature is of another key.
    pub is_forged: bool,
    /// The signature has one bit turned.
    pub is_bent: bool,
    pub handle: Option<Vec<u8>>,
    pub id: Option<Vec<u8>>,
}

#[derive(Debug, Clone)]
pub struct Device {
    key: SigningKey,
    pub id: Vec<u8>,
    pub handle: Vec<u8>,
    pub count: u32,
    origin: String,
}

impl Device {
    /// One without a passkey, for pages of an origin; `seed` tells devices apart.
    pub fn new(seed: u64, origin: &str) -> Result<Device> {
        let secret = Sha256::digest(seed.to_be_bytes());
        Ok(Device {
            key: signing_key(&secret)?,
            id: Sha256::digest(secret).to_vec(),
            handle: Vec::new(),
            count: 1,
            origin: origin.to_owned(),
        })
    }

    /// What `navigator.credentials.create` gives.
    pub fn made(&mut self, options: &Json, lie: &Lie) -> Result<Json> {
        let handle = options["user"]["id"].as_str().context("no user's id")?;
        let handle = BASE64URL_NOPAD.decode(handle.as_bytes());
        self.handle = handle.map_err(|e| anyhow!("{e}"))?;
        let rp = options["rp"]["id"].as_str().context("no server's name")?;
        let mut data = self.data(rp, USED | UNLOCKED | MADE, lie);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len())?.to_be_bytes());
        data.extend(&self.id);
        let point = self.key.verifying_key().to_encoded_point(false);
        // CBOR: key type 2, algorithm -7, curve 1, both coordinates.
        data.extend([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32]);
        data.extend(point.x().context("no coordinate")?);
        data.extend([0x22, 0x58, 32]);
        data.extend(point.y().context("no coordinate")?);
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len())?);
        object.extend(&data);
        let id = BASE64URL_NOPAD.encode(&self.id);
        Ok(json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": BASE64URL_NOPAD.encode(self.client("webauthn.create", options, lie)?.as_bytes()),
                "attestationObject": BASE64URL_NOPAD.encode(&object),
                "transports": ["internal"],
            },
        }))
    }

    /// What `navigator.credentials.get` gives; the counter goes on.
    pub fn given(&mut self, options: &Json, lie: &Lie) -> Result<Json> {
        self.count += 1;
        let rp = options["rpId"].as_str().context("no server's name")?;
        let client = self.client("webauthn.get", options, lie)?;
        let data = self.data(rp, USED | UNLOCKED, lie);
        let mut signed = data.clone();
        signed.extend(Sha256::digest(client.as_bytes()));
        let other = signing_key(&[9; 32])?;
        let key = if lie.is_forged { &other } else { &self.key };
        let signature: Signature = key.sign(&signed);
        let mut signature = signature.to_der().as_bytes().to_vec();
        if lie.is_bent {
            let last = signature.len() - 1;
            signature[last] ^= 1;
        }
        let id = BASE64URL_NOPAD.encode(lie.id.as_ref().unwrap_or(&self.id));
        let handle = lie.handle.as_ref().unwrap_or(&self.handle);
        Ok(json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": BASE64URL_NOPAD.encode(client.as_bytes()),
                "authenticatorData": BASE64URL_NOPAD.encode(&data),
                "signature": BASE64URL_NOPAD.encode(&signature),
                "userHandle": BASE64URL_NOPAD.encode(handle),
            },
        }))
    }

    fn client(&self, kind: &str, options: &Json, lie: &Lie) -> Result<String> {
        let challenge = options["challenge"].as_str().context("no challenge")?;
        Ok(json!({
            "type": lie.kind.unwrap_or(kind),
            "challenge": lie.challenge.as_deref().unwrap_or(challenge),
            "origin": lie.origin.unwrap_or(&self.origin),
            "crossOrigin": lie.is_foreign_frame,
        })
        .to_string())
    }

    fn data(&self, rp: &str, flags: u8, lie: &Lie) -> Vec<u8> {
        let mut data = Sha256::digest(lie.rp.unwrap_or(rp)).to_vec();
        // The flag that a credential follows belongs to the form of the data.
        data.push(lie.flags.map_or(flags, |f| f | (flags & MADE)));
        data.extend(lie.count.unwrap_or(self.count).to_be_bytes());
        data
    }
}

/// Of 32 bytes.
pub fn signing_key(secret: &[u8]) -> Result<SigningKey> {
    SigningKey::from_slice(secret).map_err(|e| anyhow!("{e}"))
}
