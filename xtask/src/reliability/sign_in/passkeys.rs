//! Passkeys, from an authenticator that lies.

use anyhow::{Context, Result, ensure};
use serde_json::{Value as Json, json};

use super::super::server::Reply;
use super::Case;
use super::device::{Device, Lie, UNLOCKED, USED};
use super::place::{Place, User, code, cookie, good, next, refused};

pub const CASES: &[Case] = &[
    ("a passkey signs in, and again", |p| {
        let (user, mut device, _) = registered(p)?;
        for _ in 0..2 {
            let reply = sign_in(p, &mut device, &Lie::default())?;
            p.lets_in(&cookie(&reply)?)?;
            ensure!(reply.json()?["user"]["login"] == user.login, "another user");
        }
        Ok(())
    }),
    ("an answer counts once", |p| {
        let (_, mut device, _) = registered(p)?;
        let given = device.given(&asked(p)?, &Lie::default())?;
        good(&enter(p, &given)?)?;
        refused(&enter(p, &given)?, 401, "wrong_passkey")
    }),
    ("a refused answer is used up", |p| {
        let (_, mut device, _) = registered(p)?;
        let options = asked(p)?;
        let bent = Lie {
            is_bent: true,
            ..Lie::default()
        };
        refused(
            &enter(p, &device.given(&options, &bent)?)?,
            401,
            "wrong_passkey",
        )?;
        let given = device.given(&options, &Lie::default())?;
        refused(&enter(p, &given)?, 401, "wrong_passkey")
    }),
    ("a made-up challenge", |p| {
        lie(
            p,
            Lie {
                challenge: Some("AAAAAAAAAAAAAAAAAAAAAA".to_owned()),
                ..Lie::default()
            },
        )
    }),
    ("the challenge of making one", |p| {
        let (user, mut device, _) = registered(p)?;
        let options = proposed(p, &p.session(&user)?)?;
        let wrong = Lie {
            challenge: Some(text(&options["challenge"])),
            ..Lie::default()
        };
        let given = device.given(&asked(p)?, &wrong)?;
        refused(&enter(p, &given)?, 401, "wrong_passkey")
    }),
    ("another site's page", |p| {
        lie(
            p,
            Lie {
                origin: Some("https://evil.example"),
                ..Lie::default()
            },
        )
    }),
    ("another port's page", |p| {
        lie(
            p,
            Lie {
                origin: Some("http://localhost:1"),
                ..Lie::default()
            },
        )
    }),
    ("an encrypted page of the same name", |p| {
        lie(
            p,
            Lie {
                origin: Some("https://localhost"),
                ..Lie::default()
            },
        )
    }),
    ("a frame in another page", |p| {
        lie(
            p,
            Lie {
                is_foreign_frame: true,
                ..Lie::default()
            },
        )
    }),
    ("a key for another server", |p| {
        lie(
            p,
            Lie {
                rp: Some("evil.example"),
                ..Lie::default()
            },
        )
    }),
    ("an answer of the wrong kind", |p| {
        lie(
            p,
            Lie {
                kind: Some("webauthn.create"),
                ..Lie::default()
            },
        )
    }),
    ("nobody unlocked it", |p| {
        lie(
            p,
            Lie {
                flags: Some(USED),
                ..Lie::default()
            },
        )
    }),
    ("nobody touched it", |p| {
        lie(
            p,
            Lie {
                flags: Some(UNLOCKED),
                ..Lie::default()
            },
        )
    }),
    ("no flags at all", |p| {
        lie(
            p,
            Lie {
                flags: Some(0),
                ..Lie::default()
            },
        )
    }),
    ("another key's signature", |p| {
        lie(
            p,
            Lie {
                is_forged: true,
                ..Lie::default()
            },
        )
    }),
    ("one bit of the signature turned", |p| {
        lie(
            p,
            Lie {
                is_bent: true,
                ..Lie::default()
            },
        )
    }),
    ("a passkey that nobody has", |p| {
        lie(
            p,
            Lie {
                id: Some(vec![7; 32]),
                ..Lie::default()
            },
        )
    }),
    ("a user that nobody is", |p| {
        lie(
            p,
            Lie {
                handle: Some(vec![7; 16]),
                ..Lie::default()
            },
        )
    }),
    ("somebody else's user", |p| {
        let (_, other, _) = registered(p)?;
        lie(
            p,
            Lie {
                handle: Some(other.handle),
                ..Lie::default()
            },
        )
    }),
    ("somebody else's passkey", |p| {
        let (_, other, _) = registered(p)?;
        lie(
            p,
            Lie {
                id: Some(other.id),
                ..Lie::default()
            },
        )
    }),
    ("a copied passkey is noticed", |p| {
        let (_, mut device, _) = registered(p)?;
        let mut copy = device.clone();
        good(&sign_in(p, &mut device, &Lie::default())?)?;
        p.plant("a counter goes back", &format!(
            "update keji_passkey set state = (select kept.state from kept where kept.id = keji_passkey.id) where exists (select 1 from kept where kept.id = keji_passkey.id) and credential = '{}'",
            hex(&device.id)
        ))?;
        refused(
            &sign_in(p, &mut copy, &Lie::default())?,
            401,
            "wrong_passkey",
        )
    }),
    ("a counter that stands still is noticed", |p| {
        let (_, mut device, _) = registered(p)?;
        good(&sign_in(p, &mut device, &Lie::default())?)?;
        let still = Lie {
            count: Some(device.count),
            ..Lie::default()
        };
        refused(&sign_in(p, &mut device, &still)?, 401, "wrong_passkey")
    }),
    ("a counter back at zero is noticed", |p| {
        let (_, mut device, _) = registered(p)?;
        let none = Lie {
            count: Some(0),
            ..Lie::default()
        };
        refused(&sign_in(p, &mut device, &none)?, 401, "wrong_passkey")
    }),
    ("a deleted passkey signs in no more", |p| {
        let (user, mut device, id) = registered(p)?;
        p.plant(
            "a deleted passkey comes back",
            "drop table kept; create table kept as select * from keji_passkey",
        )?;
        let key = p.session(&user)?;
        good(&p.ask("DELETE", &format!("/api/passkeys/{id}"), &key, &Json::Null)?)?;
        p.plant(
            "a deleted passkey comes back",
            "insert into keji_passkey select * from kept",
        )?;
        refused(
            &sign_in(p, &mut device, &Lie::default())?,
            401,
            "wrong_passkey",
        )
    }),
    ("nobody deletes another's passkey", |p| {
        let (_, mut device, id) = registered(p)?;
        let other = p.session(&p.user()?)?;
        let path = format!("/api/passkeys/{id}");
        refused(
            &p.ask("DELETE", &path, &other, &Json::Null)?,
            404,
            "not_found",
        )?;
        good(&sign_in(p, &mut device, &Lie::default())?)
    }),
    ("who left has no passkey either", |p| {
        let (user, mut device, _) = registered(p)?;
        p.change(&user, &json!({ "is_active": false }))?;
        refused(
            &sign_in(p, &mut device, &Lie::default())?,
            401,
            "wrong_passkey",
        )
    }),
    ("a passkey is made once", |p| {
        let user = p.user()?;
        let key = p.session(&user)?;
        let mut device = Device::new(next(), &p.origin())?;
        let made = device.made(&proposed(p, &key)?, &Lie::default())?;
        good(&keep(p, &key, &made)?)?;
        refused(&keep(p, &key, &made)?, 422, "argument")
    }),
    ("a passkey is of whom it was made for", |p| {
        let (one, two) = (p.session(&p.user()?)?, p.session(&p.user()?)?);
        let mut device = Device::new(next(), &p.origin())?;
        let made = device.made(&proposed(p, &one)?, &Lie::default())?;
        refused(&keep(p, &two, &made)?, 422, "argument")
    }),
    ("a passkey that somebody has is not made again", |p| {
        let (_, mut device, _) = registered(p)?;
        let key = p.session(&p.user()?)?;
        let made = device.made(&proposed(p, &key)?, &Lie::default())?;
        refused(&keep(p, &key, &made)?, 409, "passkey_known")
    }),
    ("a made-up challenge of making one", |p| {
        made_with(
            p,
            Lie {
                challenge: Some("AAAAAAAAAAAAAAAAAAAAAA".to_owned()),
                ..Lie::default()
            },
        )
    }),
    ("a passkey made at another site", |p| {
        made_with(
            p,
            Lie {
                origin: Some("https://evil.example"),
                ..Lie::default()
            },
        )
    }),
    ("a passkey made for another server", |p| {
        made_with(
            p,
            Lie {
                rp: Some("evil.example"),
                ..Lie::default()
            },
        )
    }),
    ("a passkey made without unlocking", |p| {
        made_with(
            p,
            Lie {
                flags: Some(USED),
                ..Lie::default()
            },
        )
    }),
    ("an answer of signing in makes no passkey", |p| {
        made_with(
            p,
            Lie {
                kind: Some("webauthn.get"),
                ..Lie::default()
            },
        )
    }),
    ("nonsense for a passkey", |p| {
        let key = p.session(&p.user()?)?;
        for credential in [
            json!(null),
            json!([]),
            json!("x"),
            json!({}),
            json!({ "id": 1 }),
        ] {
            let reply = keep(p, &key, &credential)?;
            refused(&reply, 422, "argument").with_context(|| credential.to_string())?;
            let reply = enter(p, &credential)?;
            refused(&reply, 422, "argument").with_context(|| credential.to_string())?;
        }
        Ok(())
    }),
    ("passkeys need a name for an address", |p| {
        let host = p.host.replace("localhost", "127.0.0.1");
        let at = [("host", host.as_str())];
        let path = "/api/session/passkey/options";
        let reply = p.ask_with("POST", path, "", &at, &Json::Null)?;
        refused(&reply, 409, "no_passkeys_here")
    }),
    ("passkeys and their refusals are in the log", |p| {
        let (user, mut device, _) = registered(p)?;
        good(&sign_in(p, &mut device, &Lie::default())?)?;
        let bent = Lie {
            is_bent: true,
            ..Lie::default()
        };
        refused(&sign_in(p, &mut device, &bent)?, 401, "wrong_passkey")?;
        let path = format!("/api/audit?actor={}", user.login);
        let log = p.get(&path, p.admin())?.json()?.to_string();
        for word in ["passkey_added", "\"way\":\"passkey\"", "wrong_passkey"] {
            ensure!(log.contains(word), "{word}: {log}");
        }
        Ok(())
    }),
];

fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn proposed(p: &Place, key: &str) -> Result<Json> {
    let options = p.post("/api/passkeys/options", key, &Json::Null)?.json()?;
    Ok(options["publicKey"].clone())
}

fn keep(p: &Place, key: &str, credential: &Json) -> Result<Reply> {
    let wanted = json!({ "name": "device", "credential": credential });
    p.post("/api/passkeys", key, &wanted)
}

fn asked(p: &Place) -> Result<Json> {
    let options = p
        .post("/api/session/passkey/options", "", &Json::Null)?
        .json()?;
    Ok(options["publicKey"].clone())
}

fn enter(p: &Place, credential: &Json) -> Result<Reply> {
    p.post(
        "/api/session/passkey",
        "",
        &json!({ "credential": credential }),
    )
}

fn sign_in(p: &Place, device: &mut Device, lie: &Lie) -> Result<Reply> {
    enter(p, &device.given(&asked(p)?, lie)?)
}

/// A user with a passkey, and its id.
fn registered(p: &Place) -> Result<(User, Device, i64)> {
    let user = p.user()?;
    let key = p.session(&user)?;
    let mut device = Device::new(next(), &p.origin())?;
    let made = device.made(&proposed(p, &key)?, &Lie::default())?;
    let id = keep(p, &key, &made)?.json()?["id"]
        .as_i64()
        .context("no id")?;
    p.plant(
        "a counter goes back",
        "drop table if exists kept; create table kept as select * from keji_passkey",
    )?;
    p.plant(
        "a deleted passkey comes back",
        "create table if not exists kept as select * from keji_passkey",
    )?;
    Ok((user, device, id))
}

/// The device signs in, but not with this lie.
fn lie(p: &Place, lie: Lie) -> Result<()> {
    let (_, mut device, _) = registered(p)?;
    let reply = sign_in(p, &mut device, &lie)?;
    let is_refused = (reply.status == 401 && code(&reply) == "wrong_passkey")
        || (reply.status == 422 && code(&reply) == "argument");
    ensure!(is_refused, "{}: {}", reply.status, code(&reply));
    ensure!(
        reply.header("set-cookie").is_none(),
        "a refusal sets a cookie"
    );
    good(&sign_in(p, &mut device, &Lie::default())?)
}

fn made_with(p: &Place, lie: Lie) -> Result<()> {
    let key = p.session(&p.user()?)?;
    let mut device = Device::new(next(), &p.origin())?;
    let made = device.made(&proposed(p, &key)?, &lie)?;
    refused(&keep(p, &key, &made)?, 422, "argument")?;
    let none = p.get("/api/passkeys", &key)?.json()?;
    ensure!(none["passkeys"] == json!([]), "{none}");
    Ok(())
}
