//! What an answer begins with: whoever opens a form gets a ticket, and an
//! answer takes one that is some seconds old and was not used. So a program
//! that only sends does not get in, and the same answer sent twice is one.
//! Nothing of it is kept: the ticket carries its time under a signature.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use crate::error::{Error, Result};

/// Nobody reads and fills in a form faster.
pub const WAIT_MS: i64 = 2_000;
/// As long as the answer to a request that comes again is kept.
const LASTS_MS: i64 = 23 * 3_600_000;

/// Why a ticket is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    NotOurs,
    Old,
    /// Milliseconds to wait.
    Early(i64),
}

/// 128 random bits, as the end of an address.
pub fn new_token() -> Result<String> {
    Ok(hex(&random::<16>()?))
}

pub fn is_token(text: &str) -> bool {
    text.len() == 32
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

pub fn new_secret() -> Result<String> {
    Ok(hex(&random::<32>()?))
}

pub fn issue(secret: &str, now: Timestamp) -> Result<String> {
    let said = format!("{}.{}", now.as_millisecond(), hex(&random::<16>()?));
    let signed = mac(secret, &said)?.finalize().into_bytes();
    Ok(format!("{said}.{}", hex(&signed)))
}

/// The ticket's own name, where it is taken.
pub fn take(
    secret: &str,
    ticket: &str,
    now: Timestamp,
) -> Result<std::result::Result<String, Refused>> {
    let Some((said, signed)) = ticket.rsplit_once('.') else {
        return Ok(Err(Refused::NotOurs));
    };
    let signed = unhex(signed);
    let is_ours = mac(secret, said)?.verify_slice(&signed).is_ok();
    let parts = said.split_once('.');
    let read = parts.and_then(|(at, name)| Some((at.parse::<i64>().ok()?, name)));
    let (true, Some((at, name))) = (is_ours, read) else {
        return Ok(Err(Refused::NotOurs));
    };
    let age = now.as_millisecond() - at;
    Ok(match age {
        _ if age < WAIT_MS => Err(Refused::Early((WAIT_MS - age).min(WAIT_MS))),
        _ if age > LASTS_MS => Err(Refused::Old),
        _ => Ok(name.to_owned()),
    })
}

fn mac(secret: &str, said: &str) -> Result<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map_err(|e| Error::Internal(format!("a form's secret: {e}")))?;
    mac.update(said.as_bytes());
    Ok(mac)
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|e| Error::Internal(format!("no random numbers from the system: {e}")))?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Nothing of what is no hexadecimal.
fn unhex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER
        .decode(text.as_bytes())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + ms).unwrap()
    }

    #[test]
    fn a_ticket_is_taken_after_a_while_and_not_for_ever() {
        let secret = new_secret().unwrap();
        let ticket = issue(&secret, at(0)).unwrap();
        let taken = |ms| take(&secret, &ticket, at(ms)).unwrap();
        assert_eq!(taken(500), Err(Refused::Early(1_500)));
        assert_eq!(taken(-5_000), Err(Refused::Early(WAIT_MS)));
        let name = taken(WAIT_MS).unwrap();
        assert_eq!(name.len(), 32);
        assert_eq!(taken(LASTS_MS).unwrap(), name);
        assert_eq!(taken(LASTS_MS + 1), Err(Refused::Old));
    }

    #[test]
    fn only_our_own_tickets_are_taken() {
        let (secret, other) = (new_secret().unwrap(), new_secret().unwrap());
        let ticket = issue(&secret, at(0)).unwrap();
        let older = ticket.replacen("1700000000000", "1600000000000", 1);
        assert_ne!(older, ticket);
        for (secret, ticket) in [
            (&other, ticket.as_str()),
            (&secret, older.as_str()),
            (&secret, &ticket[..ticket.len() - 2]),
            (&secret, "1.2.3"),
            (&secret, ""),
        ] {
            let taken = take(secret, ticket, at(10_000)).unwrap();
            assert_eq!(taken, Err(Refused::NotOurs), "{ticket}");
        }
        assert_ne!(issue(&secret, at(0)).unwrap(), ticket);
    }

    #[test]
    fn tokens_are_128_bits_of_lower_hexadecimal() {
        let token = new_token().unwrap();
        assert!(is_token(&token), "{token}");
        assert_ne!(token, new_token().unwrap());
        for wrong in [
            "",
            "1",
            &token[1..],
            &token.to_uppercase().replace('0', "A"),
            "../../../etc/passwd/../../../etc/",
        ] {
            assert!(!is_token(wrong) || wrong == token, "{wrong}");
        }
    }
}
