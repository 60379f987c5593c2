//! What a single sign-on provider says of somebody, and whether it may be
//! believed: the ID token of OpenID Connect Core 1.0, section 3.1.3.7. Pure;
//! the signatures are checked by `ring`.

use data_encoding::{BASE64URL_NOPAD, Encoding};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::{Map, Value as Json};

/// Clocks may differ by so much, in seconds.
const SKEW_S: i64 = 60;
const MAX_TOKEN: usize = 64 * 1024;
const MAX_SUBJECT: usize = 255;
const BASE64: &Encoding = &BASE64URL_NOPAD;

pub type Claims = Map<String, Json>;

/// What the token has to be of.
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a str,
    pub now_s: i64,
}

/// The claims of a token that holds, else what is wrong with it. `keys` is the
/// provider's JSON Web Key Set.
pub fn claims(token: &str, keys: &Json, expected: &Expected<'_>) -> Result<Claims, &'static str> {
    if token.len() > MAX_TOKEN {
        return Err("is too long");
    }
    let (signed, signature) = token.rsplit_once('.').ok_or("is no token")?;
    let (header, body) = signed.split_once('.').ok_or("is no token")?;
    let header = object(header)?;
    if header.contains_key("crit") {
        return Err("asks for what is not known");
    }
    let algorithm = header.get("alg").and_then(Json::as_str);
    let algorithm = algorithm.ok_or("does not say how it is signed")?;
    let signature = BASE64.decode(signature.as_bytes());
    let signature = signature.map_err(|_| "has an unreadable signature")?;
    let keys = keys["keys"]
        .as_array()
        .ok_or("has no keys to check it by")?;
    let id = header.get("kid").and_then(Json::as_str);
    let mut fitting = keys.iter().filter(|key| {
        let is_named = id.is_none() || key["kid"].as_str() == id;
        let is_for_it = key["alg"].as_str().is_none_or(|a| a == algorithm)
            && key["use"].as_str().is_none_or(|u| u == "sig");
        is_named && is_for_it
    });
    if !fitting.any(|key| is_signed(algorithm, key, signed.as_bytes(), &signature)) {
        return Err("is not signed by a key of the provider");
    }
    let claims = object(body)?;
    check(&claims, expected)?;
    Ok(claims)
}

fn object(part: &str) -> Result<Claims, &'static str> {
    let bytes = BASE64
        .decode(part.as_bytes())
        .map_err(|_| "is unreadable")?;
    serde_json::from_slice(&bytes).map_err(|_| "is unreadable")
}

/// Only signatures by a key pair: `none`, and secrets that both sides know,
/// are none.
fn is_signed(algorithm: &str, key: &Json, signed: &[u8], signature: &[u8]) -> bool {
    let part = |name: &str| {
        let text = key[name].as_str().unwrap_or_default();
        BASE64.decode(text.as_bytes()).unwrap_or_default()
    };
    let kind = (key["kty"].as_str(), key["crv"].as_str());
    let rsa = |with: &RsaParameters| {
        let key = RsaPublicKeyComponents {
            n: part("n"),
            e: part("e"),
        };
        kind.0 == Some("RSA") && key.verify(with, signed, signature).is_ok()
    };
    let pair = |with: &'static dyn VerificationAlgorithm, curve: &str, bytes: Vec<u8>| {
        kind.1 == Some(curve)
            && UnparsedPublicKey::new(with, bytes)
                .verify(signed, signature)
                .is_ok()
    };
    let point = || [vec![4], part("x"), part("y")].concat();
    match algorithm {
        "RS256" => rsa(&RSA_PKCS1_2048_8192_SHA256),
        "RS384" => rsa(&RSA_PKCS1_2048_8192_SHA384),
        "RS512" => rsa(&RSA_PKCS1_2048_8192_SHA512),
        "PS256" => rsa(&RSA_PSS_2048_8192_SHA256),
        "PS384" => rsa(&RSA_PSS_2048_8192_SHA384),
        "PS512" => rsa(&RSA_PSS_2048_8192_SHA512),
        "ES256" => pair(&ECDSA_P256_SHA256_FIXED, "P-256", point()),
        "ES384" => pair(&ECDSA_P384_SHA384_FIXED, "P-384", point()),
        "EdDSA" => pair(&ED25519, "Ed25519", part("x")),
        _ => false,
    }
}

fn check(claims: &Claims, expected: &Expected<'_>) -> Result<(), &'static str> {
    let text = |name: &str| claims.get(name).and_then(Json::as_str);
    let instant = |name: &str| claims.get(name).and_then(Json::as_f64);
    if text("iss") != Some(expected.issuer) {
        return Err("is of another issuer");
    }
    let own = |value: &Json| value.as_str() == Some(expected.client_id);
    let (is_own, n) = match claims.get("aud") {
        Some(Json::Array(all)) => (all.iter().any(own), all.len()),
        Some(one) => (own(one), 1),
        None => (false, 0),
    };
    let party = claims.get("azp");
    if !is_own || party.is_some_and(|p| !own(p)) || (n > 1 && party.is_none()) {
        return Err("is for somebody else");
    }
    // Seconds as a float are exact far beyond any date.
    let now = expected.now_s as f64;
    let skew = SKEW_S as f64;
    if !instant("exp").is_some_and(|at| at > now - skew) {
        return Err("has expired");
    }
    if !instant("iat").is_some_and(|at| at < now + skew) {
        return Err("is of the time to come");
    }
    if instant("nbf").is_some_and(|at| at > now + skew) {
        return Err("is of the time to come");
    }
    if text("nonce") != Some(expected.nonce) {
        return Err("is of another sign-in");
    }
    match text("sub") {
        Some(subject) if !subject.is_empty() && subject.len() <= MAX_SUBJECT => Ok(()),
        _ => Err("does not say who it is"),
    }
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;
    const EXPECTED: Expected<'_> = Expected {
        issuer: "https://id.example",
        client_id: "keji",
        nonce: "n1",
        now_s: NOW,
    };

    fn good() -> Json {
        json!({ "iss": "https://id.example", "aud": "keji", "sub": "1", "nonce": "n1",
                "iat": NOW, "exp": NOW + 300 })
    }

    struct Signer(EcdsaKeyPair);

    impl Signer {
        fn new() -> Signer {
            let random = SystemRandom::new();
            let pkcs8 =
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            let with = &ECDSA_P256_SHA256_FIXED_SIGNING;
            Signer(EcdsaKeyPair::from_pkcs8(with, pkcs8.as_ref(), &random).unwrap())
        }

        fn key(&self) -> Json {
            let point = self.0.public_key().as_ref();
            json!({ "kty": "EC", "crv": "P-256", "kid": "k1", "alg": "ES256", "use": "sig",
                    "x": BASE64.encode(&point[1..33]), "y": BASE64.encode(&point[33..]) })
        }

        fn token(&self, header: &Json, claims: &Json) -> String {
            let part = |json: &Json| BASE64.encode(json.to_string().as_bytes());
            let signed = format!("{}.{}", part(header), part(claims));
            let signature = self
                .0
                .sign(&SystemRandom::new(), signed.as_bytes())
                .unwrap();
            format!("{signed}.{}", BASE64.encode(signature.as_ref()))
        }
    }

    #[test]
    fn only_tokens_that_hold_are_believed() {
        let signer = Signer::new();
        let keys = json!({ "keys": [signer.key()] });
        let header = json!({ "alg": "ES256", "kid": "k1" });
        let of = |header: &Json, claims_: &Json| {
            claims(&signer.token(header, claims_), &keys, &EXPECTED)
        };
        assert_eq!(of(&header, &good()).unwrap()["sub"], "1");
        let changes = [
            ("iss", json!("https://evil.example"), "is of another issuer"),
            ("iss", json!("https://id.example/"), "is of another issuer"),
            ("iss", json!(null), "is of another issuer"),
            ("aud", json!("another"), "is for somebody else"),
            ("aud", json!(["another"]), "is for somebody else"),
            ("aud", json!(["keji", "another"]), "is for somebody else"),
            ("aud", json!(null), "is for somebody else"),
            ("azp", json!("another"), "is for somebody else"),
            ("exp", json!(NOW - 61), "has expired"),
            ("exp", json!(null), "has expired"),
            ("exp", json!("2999"), "has expired"),
            ("iat", json!(NOW + 61), "is of the time to come"),
            ("iat", json!(null), "is of the time to come"),
            ("nbf", json!(NOW + 61), "is of the time to come"),
            ("nonce", json!("n2"), "is of another sign-in"),
            ("nonce", json!(null), "is of another sign-in"),
            ("sub", json!(""), "does not say who it is"),
            ("sub", json!(1), "does not say who it is"),
            ("sub", json!("a".repeat(256)), "does not say who it is"),
        ];
        for (claim, value, why) in changes {
            let mut wrong = good();
            wrong[claim] = value.clone();
            assert_eq!(of(&header, &wrong), Err(why), "{claim} = {value}");
        }
        let mut several = good();
        several["aud"] = json!(["keji", "another"]);
        several["azp"] = json!("keji");
        assert!(of(&header, &several).is_ok());
        for (wrong, why) in [
            (
                json!({ "alg": "none" }),
                "is not signed by a key of the provider",
            ),
            (
                json!({ "alg": "HS256", "kid": "k1" }),
                "is not signed by a key of the provider",
            ),
            (
                json!({ "alg": "RS256", "kid": "k1" }),
                "is not signed by a key of the provider",
            ),
            (
                json!({ "alg": "ES256", "kid": "k2" }),
                "is not signed by a key of the provider",
            ),
            (json!({ "kid": "k1" }), "does not say how it is signed"),
            (
                json!({ "alg": "ES256", "crit": ["b64"] }),
                "asks for what is not known",
            ),
        ] {
            assert_eq!(of(&wrong, &good()), Err(why), "{wrong}");
        }
    }

    #[test]
    fn signatures_are_looked_at() {
        let signer = Signer::new();
        let keys = json!({ "keys": [signer.key()] });
        let header = json!({ "alg": "ES256", "kid": "k1" });
        let token = signer.token(&header, &good());
        let unsigned = Err("is not signed by a key of the provider");
        let (signed, _) = token.rsplit_once('.').unwrap();
        assert_eq!(claims(&format!("{signed}."), &keys, &EXPECTED), unsigned);
        // Somebody else's key, also where it comes under the same name.
        let other = Signer::new().token(&header, &good());
        assert_eq!(claims(&other, &keys, &EXPECTED), unsigned);
        // Other claims under the same signature.
        let mut admin = good();
        admin["sub"] = json!("admin");
        let part = BASE64.encode(admin.to_string().as_bytes());
        let parts: Vec<&str> = token.split('.').collect();
        let changed = format!("{}.{part}.{}", parts[0], parts[2]);
        assert_eq!(claims(&changed, &keys, &EXPECTED), unsigned);
        // A key that is for secrets, not for signatures.
        let mut key = signer.key();
        key["use"] = json!("enc");
        assert_eq!(
            claims(&token, &json!({ "keys": [key] }), &EXPECTED),
            unsigned
        );
        for nonsense in ["", ".", "..", "a.b.c", &"a".repeat(70_000)] {
            assert!(claims(nonsense, &keys, &EXPECTED).is_err());
        }
        assert!(claims(&token, &json!({}), &EXPECTED).is_err());
    }

    #[test]
    fn other_kinds_of_keys_work() {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": BASE64.encode(pair.public_key().as_ref()) });
        let part = |json: &Json| BASE64.encode(json.to_string().as_bytes());
        let signed = format!("{}.{}", part(&json!({ "alg": "EdDSA" })), part(&good()));
        let signature = BASE64.encode(pair.sign(signed.as_bytes()).as_ref());
        let token = format!("{signed}.{signature}");
        assert!(claims(&token, &json!({ "keys": [key] }), &EXPECTED).is_ok());
        // Made once by another tool.
        let key = json!({ "kty": "RSA", "e": "AQAB", "n": "oy843-yQY4y1eT7iHz7GdPnkNONfe5Pi3dw2QSEivXgocnwOyzloSzRCJy3lyuvsIPTdijh203PJpnSyP-zDgnvRelO6S1RM9naNonWmqrbUnnkPEq4PZyKHYpAB39whvR0H5cRr7JoDOCHEENNr-hn5Ees1yqXnfF_tQVp8-w-PJeFvJ5eUGRDGuRrl8v3bKW8WR53co75dHPbIOAt2yT77IgN8vWBVqPoWCTkHG7SqFlzEEyYdIHRgxbWQ9JeV6jxQHhcd0iy3vFglFozDgA10B8FV_PDahULw25XyyVUaOkTcd6cOtiKMna1zP742tW5k9AfEFlxde8ky-jHTTw" });
        let signed = b"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJsaSJ9";
        let signature = BASE64.decode(b"EOjT6qDE5mCI2cPqwO_dQDT5prULb-a1cMhYU14QC2oZxpx-KZ2Ei_TvEwmcdGNiODHMcm2gz2DS6olzRzbnSk_7jJJ44CJIcjMVkA8eIBSPBS8_p9gyJfBeUhyoC3mDnVioOqQo5GA-1cZlJu8reSuVPlEk-JFKTM2sLZWOD4ZjZFFePFkp2eUljsuJXTEbC1PfkJNpMWSgPqu1naSwgKKRQfojTjVXPRVPY5qgNcJQ7ovKriNlhrnPN68G2WDzieuUd7xHsoKn8AVcyC_76XYYDy_dAgSm0NCyjWcXZ6mobtWPrmBCeW1yN7qNoNKjxFLaoqz3Y02DTK9Q6Vfrmg").unwrap();
        assert!(is_signed("RS256", &key, signed, &signature));
        assert!(!is_signed("RS512", &key, signed, &signature));
    }
}
