//! SEC-10: persons who were erased are nowhere any more: not in the data
//! folder, not in the database, not in a restored backup of the days before;
//! the log is whole and the orders are what they were.

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::ground::{Ground, Home, STORES, Store};
use super::outcome::Outcome;

pub fn run(ground: &Ground, tell: &mut dyn FnMut(Outcome)) {
    for store in STORES {
        if ground.is_sample && store == Store::Postgres {
            continue;
        }
        let name = format!("SEC-10 erasure, {}", store.name());
        if let Some(why) = ground.lacks(store) {
            tell(Outcome::skipped(name, why));
            continue;
        }
        let mut planted = Vec::new();
        tell(Outcome::of(&name, |outcome| {
            erasures(ground, store, outcome, &mut planted)
        }));
        tell(Outcome::of(format!("{name} (planted)"), |outcome| {
            planted
                .drain(..)
                .for_each(|(what, checked)| outcome.planted(what, checked));
            Ok(())
        }));
    }
}

/// A person whom nobody else shares a word with.
struct Person {
    customer: String,
    contact: String,
    words: Vec<String>,
}

fn erasures(
    ground: &Ground,
    store: Store,
    outcome: &mut Outcome,
    planted: &mut Vec<(&'static str, Result<()>)>,
) -> Result<()> {
    let home = ground.home(store)?;
    let n = ground.n(25, 3);
    let persons: Vec<Person> = (0..n).map(|i| person(&home, i)).collect::<Result<_>>()?;
    let backup = home.folder().join("before.backup");
    home.json([OsString::from("backup"), backup.clone().into()])?;
    let orders = home.n_orders()?;
    let nowhere = |home: &Home, person: &Person| -> Result<()> {
        let copy = home.folder().join("looked-through.backup");
        let _ = std::fs::remove_file(&copy);
        // Every row of every table, on PostgreSQL too: a backup is not packed.
        home.json([OsString::from("backup"), copy.clone().into()])?;
        let found = found_in(home.folder(), &person.words, &["before.backup"]);
        std::fs::remove_file(&copy)?;
        let found = found?;
        ensure!(found.is_empty(), "still there: {}", found.join(", "));
        Ok(())
    };
    let first = persons.first().context("nobody to erase")?;
    planted.push(("nobody was erased", nowhere(&home, first)));
    for person in &persons {
        let erased = erase(&home, "contact", &person.contact, &person.words[0])
            .and_then(|()| erase(&home, "customer", &person.customer, &person.words[0]));
        outcome.trial(erased.and_then(|()| nowhere(&home, person)));
    }
    outcome.trial(home.is_good());
    outcome.trial(home.n_orders().and_then(|now| {
        ensure!(now == orders, "{now} orders instead of {orders}");
        Ok(())
    }));
    let restored = ground.home(store)?;
    let register = home.data.join("erasures.jsonl");
    let arguments = [
        OsString::from("restore"),
        backup.clone().into(),
        "--erasures".into(),
        register.into(),
    ];
    outcome.trial(restored.json(arguments).map(drop));
    for person in &persons {
        outcome.trial(nowhere(&restored, person));
    }
    outcome.trial(restored.is_good());
    outcome.note(format!("{n} persons, each a contact and a customer"));

    let forgotten = ground.home(store)?;
    forgotten.json([OsString::from("restore"), backup.into()])?;
    planted.push((
        "a backup of before without the register",
        nowhere(&forgotten, first),
    ));
    let file = home.folder().join("left.txt");
    std::fs::write(&file, &first.words[0])?;
    planted.push(("a file with a name in it", nowhere(&home, first)));
    std::fs::remove_file(file)?;
    home.sql("update keji_change set digest = 'ab' where digest is not null")?;
    planted.push(("another digest in the log", home.is_good()));
    Ok(())
}

fn person(home: &Home, i: usize) -> Result<Person> {
    let name = format!("Canarie Nr{i:04}");
    let phone = format!("1390000{i:04}");
    let mail = format!("canary{i:04}@example.com");
    let street = format!("street of canaries {i:04}");
    let made = |object: &str, values: &[String]| -> Result<String> {
        let mut arguments = vec!["records".to_owned(), object.to_owned(), "create".to_owned()];
        arguments.extend_from_slice(values);
        let record = home.json(arguments)?;
        Ok(record["id"].to_string())
    };
    let customer = made(
        "customer",
        &[
            format!("number=N{i:04}"),
            format!("name={name}"),
            "kind=person".to_owned(),
            format!("phone={phone}"),
            format!("address={street}"),
        ],
    )?;
    let contact = made(
        "contact",
        &[
            format!("name={name}"),
            format!("customer={customer}"),
            format!("mobile={phone}"),
            format!("email={mail}"),
        ],
    )?;
    made(
        "note",
        &[
            format!("customer={customer}"),
            format!("contact={contact}"),
            format!("text=met {name}"),
            "written_on=2025-01-01".to_owned(),
        ],
    )?;
    // What stands in files goes as well.
    for (of, id) in [
        ("--customer", customer.as_str()),
        ("--contact", contact.as_str()),
    ] {
        let path = home.write("scan.txt", format!("of {name}, {street}, {of}"))?;
        let called = format!("{name}.txt");
        let add = ["file", "add", of, id, "--name", called.as_str()].map(OsString::from);
        home.json(add.into_iter().chain([path.clone().into_os_string()]))?;
        std::fs::remove_file(path)?;
    }
    home.json([
        "records",
        "contact",
        "update",
        &contact,
        "wechat=",
        &format!("address={street}"),
    ])?;
    Ok(Person {
        customer,
        contact,
        words: vec![name, phone, mail, street],
    })
}

fn erase(home: &Home, object: &str, id: &str, name: &str) -> Result<()> {
    let reason = "asked by letter";
    let arguments = [
        "person",
        "erase",
        object,
        id,
        "--reason",
        reason,
        "--confirm",
        name,
    ];
    home.json(arguments).map(drop)
}

fn found_in(folder: &Path, words: &[String], without: &[&str]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if without.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            found.extend(found_in(&path, words, without)?);
            continue;
        }
        let bytes = std::fs::read(&path)?;
        for word in words {
            if bytes.windows(word.len()).any(|w| w == word.as_bytes()) {
                found.push(format!("{word} in {name}"));
            }
        }
    }
    Ok(found)
}
