//! Secrets and signatures of the Standard Webhooks convention: HMAC-SHA256
//! over `id.timestamp.body`, in base64, one for each secret that holds.

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::error::{Error, Result};

const PREFIX: &str = "whsec_";

/// 32 random bytes.
pub fn new_secret() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|e| Error::Internal(format!("no random numbers from the system: {e}")))?;
    Ok(format!("{PREFIX}{}", BASE64.encode(&bytes)))
}

/// `v1,…` for each secret, with a space between them. `at_s` is the time of
/// the try in seconds since 1970.
pub fn signature(secrets: &[String], id: &str, at_s: i64, body: &[u8]) -> Result<String> {
    let mut all = Vec::new();
    for secret in secrets {
        let key = secret
            .strip_prefix(PREFIX)
            .and_then(|s| BASE64.decode(s.as_bytes()).ok());
        let key = key.ok_or_else(|| Error::Internal("a webhook's secret is none".to_owned()))?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key)
            .map_err(|e| Error::Internal(format!("a webhook's secret: {e}")))?;
        mac.update(format!("{id}.{at_s}.").as_bytes());
        mac.update(body);
        all.push(format!(
            "v1,{}",
            BASE64.encode(&mac.finalize().into_bytes())
        ));
    }
    Ok(all.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the convention's own reference libraries.
    #[test]
    fn signatures_follow_the_convention() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned();
        let signed = signature(
            std::slice::from_ref(&secret),
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signed.unwrap(), expected);
        let new = new_secret().unwrap();
        assert_eq!(new.len(), PREFIX.len() + 44);
        assert_ne!(new, new_secret().unwrap());
        let both = signature(
            &[new, secret],
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        let both = both.unwrap();
        assert!(
            both.starts_with("v1,") && both.ends_with(expected),
            "{both}"
        );
        assert_eq!(both.split(' ').count(), 2);
        assert!(signature(&["nothing".to_owned()], "a", 1, b"").is_err());
    }
}
