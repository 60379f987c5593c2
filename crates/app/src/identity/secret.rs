//! Random secrets, their hashes, passwords and second factors.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use sha2::{Digest, Sha256};
use totp_rs::{Builder, Secret, Totp};

use crate::error::{Error, Result};

/// Bytes of a session's or token's secret.
const N_BYTES: usize = 32;
/// Letters that are not taken for one another; 32 of them, five bits each.
const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const STEP_S: u64 = 30;

pub(super) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|e| Error::Internal(format!("no random numbers from the system: {e}")))?;
    Ok(bytes)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// 256 bits, as text.
pub fn key() -> Result<String> {
    Ok(hex(&random::<N_BYTES>()?))
}

/// What is kept of a key. A key has 256 random bits, so a fast hash is enough.
pub fn kept(key: &str) -> String {
    hex(&Sha256::digest(key.as_bytes()))
}

/// Twelve letters and digits in three groups, for a person to type.
pub fn code() -> Result<String> {
    let letters = random::<12>()?.map(|b| char::from(LETTERS[usize::from(b % 32)]));
    let groups: Vec<String> = letters.chunks(4).map(String::from_iter).collect();
    Ok(groups.join("-"))
}

/// Equal but for case, hyphens and spaces; takes as long whatever differs.
pub fn same_code(a: &str, b: &str) -> bool {
    let plain = |text: &str| {
        let letters = text.chars().filter(char::is_ascii_alphanumeric);
        Sha256::digest(letters.collect::<String>().to_ascii_uppercase())
    };
    plain(a) == plain(b)
}

/// Argon2id with 19 MiB and two passes, as a PHC string. Takes some tens of
/// milliseconds.
pub fn hashed(password: &str) -> Result<String> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|h| h.to_string())
        .map_err(|e| Error::Internal(format!("the password could not be hashed: {e}")))
}

pub fn is_password(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| {
        let verified = Argon2::default().verify_password(password.as_bytes(), &hash);
        verified.is_ok()
    })
}

/// A new secret of a second factor, base32.
pub fn totp_secret() -> Result<String> {
    Ok(Secret::from(random::<20>()?).to_base32())
}

/// What an authenticator app reads from a QR code.
pub fn totp_uri(secret: &str, login: &str) -> Result<String> {
    totp(secret, login)?
        .to_url()
        .map_err(|e| Error::Internal(format!("no address of a second factor: {e}")))
}

/// The step of the time that a code belongs to; none where it is not the code
/// of now or of the half minute before or after.
pub fn totp_step(secret: &str, code: &str, now_s: u64) -> Option<i64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let step = totp(secret, "user").ok()?.check(&code, now_s)?;
    i64::try_from(step).ok()
}

/// The code of a moment, for tests.
#[cfg(test)]
pub fn totp_code(secret: &str, now_s: u64) -> String {
    totp(secret, "user").unwrap().generate(now_s).to_string()
}

fn totp(secret: &str, login: &str) -> Result<Totp> {
    let broken = |e: String| Error::Internal(format!("a second factor that is none: {e}"));
    let secret = Secret::try_from_base32(secret).map_err(|e| broken(e.to_string()))?;
    Builder::new()
        .with_secret(secret)
        .with_step_duration(STEP_S)
        .with_account_name(login.replace(':', " "))
        .with_issuer(Some("Keji"))
        .build()
        .map_err(|e| broken(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_codes_differ_and_are_long() {
        let (a, b) = (key().unwrap(), key().unwrap());
        assert_ne!(a, b);
        assert_eq!((a.len(), kept(&a).len()), (64, 64));
        assert_ne!(kept(&a), a);
        let code = code().unwrap();
        assert_eq!(code.len(), 14, "{code}");
        assert!(same_code(&code, &code.to_lowercase().replace('-', " ")));
        assert!(!same_code(&code, ""));
    }

    #[test]
    fn a_password_is_known_by_its_hash_only() {
        let hash = hashed("correct horse battery").unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert!(is_password("correct horse battery", &hash));
        assert!(!is_password("correct horse batterz", &hash));
        assert!(!is_password("", "no hash"));
        assert_ne!(hash, hashed("correct horse battery").unwrap());
    }

    /// RFC 6238, appendix B: the secret "12345678901234567890".
    #[test]
    fn second_factors_follow_the_standard() {
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        assert_eq!(totp_step(secret, "287082", 59), Some(1));
        assert_eq!(totp_step(secret, " 287 082 ", 59), Some(1));
        assert_eq!(totp_step(secret, "081804", 1_111_111_109), Some(37_037_036));
        assert_eq!(totp_step(secret, "287082", 59 + 61), None);
        let made = totp_secret().unwrap();
        assert!(totp_step(&made, &totp_code(&made, 1_000), 1_000).is_some());
        assert!(
            totp_uri(&made, "li:si")
                .unwrap()
                .starts_with("otpauth://totp/Keji")
        );
    }
}
