//! Rust source as text: what is code, what only runs in tests, which modules
//! it names. A reader of tokens, no parser: it must never need the compiler.

/// The source with comments and the insides of strings and characters blanked;
/// lines and columns stay where they are.
pub fn code_only(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = chars.clone();
    let blank = |out: &mut Vec<char>, from: usize, to: usize| {
        for c in out.iter_mut().take(to).skip(from) {
            if *c != '\n' {
                *c = ' ';
            }
        }
    };
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut i = 0;
    while i < chars.len() {
        let from = i;
        match chars[i] {
            '/' if at(i + 1) == '/' => {
                while i < chars.len() && chars[i] != '\n' {
                    i += 1;
                }
                blank(&mut out, from, i);
            }
            '/' if at(i + 1) == '*' => {
                let mut depth = 0;
                while i < chars.len() {
                    match (chars[i], at(i + 1)) {
                        ('/', '*') => (depth, i) = (depth + 1, i + 2),
                        ('*', '/') => (depth, i) = (depth - 1, i + 2),
                        _ => i += 1,
                    }
                    if depth == 0 {
                        break;
                    }
                }
                blank(&mut out, from, i);
            }
            'r' if (at(i + 1) == '"' || at(i + 1) == '#')
                && !is_word(if i > 0 { chars[i - 1] } else { ' ' }, true) =>
            {
                let hashes = chars[i + 1..].iter().take_while(|c| **c == '#').count();
                if at(i + 1 + hashes) != '"' {
                    i += 1;
                    continue;
                }
                i += 2 + hashes;
                let is_end = |i: usize| chars[i] == '"' && (1..=hashes).all(|n| at(i + n) == '#');
                while i < chars.len() && !is_end(i) {
                    i += 1;
                }
                blank(&mut out, from + 2 + hashes, i);
                i += 1 + hashes;
            }
            '"' => {
                i += 1;
                while i < chars.len() && chars[i] != '"' {
                    i += if chars[i] == '\\' { 2 } else { 1 };
                }
                blank(&mut out, from + 1, i);
                i += 1;
            }
            // A character, unless it is a lifetime.
            '\'' if at(i + 1) == '\\' || at(i + 2) == '\'' => {
                i += if at(i + 1) == '\\' { 3 } else { 2 };
                while i < chars.len() && chars[i] != '\'' {
                    i += 1;
                }
                blank(&mut out, from + 1, i);
                i += 1;
            }
            _ => i += 1,
        }
    }
    out.into_iter().collect()
}

/// `r` begins a raw string at the start of a word or after `b`.
fn is_word(c: char, before_raw: bool) -> bool {
    (c.is_alphanumeric() || c == '_') && !(before_raw && c == 'b')
}

/// Code (as [`code_only`] leaves it) without the items that only tests see, and
/// the names of modules that are such items in files of their own.
pub fn without_tests(code: &str) -> (String, Vec<String>) {
    let mut out = code.to_owned();
    let mut modules = Vec::new();
    let mut from = 0;
    while let Some(found) = out[from..].find("#[cfg(") {
        let start = from + found;
        let Some(end) = out[start..].find(']').map(|n| start + n + 1) else {
            break;
        };
        from = end;
        let has_test = out[start..end]
            .split(|c: char| !is_word(c, false))
            .any(|word| word == "test");
        if !has_test || out[start..end].contains("not(") {
            continue;
        }
        let item_end = end_of_item(&out, end);
        if let Some(rest) = out[end..item_end].trim_start().strip_suffix(';')
            && let Some(name) = rest.rsplit("mod ").next().filter(|_| rest.contains("mod "))
        {
            modules.push(name.trim().to_owned());
        }
        let blank: String = out[start..item_end]
            .chars()
            .map(|c| if c == '\n' { c } else { ' ' })
            .collect();
        out.replace_range(start..item_end, &blank);
        from = (start + blank.len()).min(out.len());
    }
    (out, modules)
}

/// Behind the `;` or the closing brace of the item that begins at `from`.
fn end_of_item(code: &str, from: usize) -> usize {
    let mut depth = 0i32;
    for (i, c) in code[from..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth <= 0 {
                    return from + i + 1;
                }
            }
            ';' if depth == 0 => return from + i + 1,
            _ => {}
        }
    }
    code.len()
}

/// The modules of the crate's root that the code names, as `crate::x` or with
/// as many `super::` as the file is deep. Names that begin with a capital are
/// items of the root itself.
pub fn root_modules(code: &str, depth: usize) -> Vec<String> {
    let mut found = Vec::new();
    let up = "super::".repeat(depth);
    for prefix in ["crate::", up.as_str()] {
        let mut from = 0;
        while let Some(n) = code[from..].find(prefix) {
            let start = from + n;
            from = start + prefix.len();
            let before = code[..start].chars().next_back().unwrap_or(' ');
            // `$crate::`, `x::crate::` and a longer chain of `super::` are others.
            if is_word(before, false)
                || before == ':'
                || before == '$'
                || code[from..].starts_with("super::")
            {
                continue;
            }
            found.extend(first_names(&code[from..]));
        }
    }
    found.retain(|name| name.starts_with(|c: char| c.is_ascii_lowercase()) && name != "self");
    found.sort();
    found.dedup();
    found
}

/// The first name of a path, or of each path of a `{…}` group.
fn first_names(path: &str) -> Vec<String> {
    let name = |text: &str| {
        text.trim()
            .chars()
            .take_while(|c| is_word(*c, false))
            .collect::<String>()
    };
    let Some(group) = path.strip_prefix('{') else {
        return vec![name(path)];
    };
    let (mut depth, mut from, mut names) = (0, 0, Vec::new());
    for (i, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(name(&group[from..i]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(name(&group[from..i]));
                from = i + 1;
            }
            _ => {}
        }
    }
    names
}

/// The line, from 1, of a place in a text.
pub fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_no_code() {
        let source = "let a = \"dbg!(\\\"\"; // dbg!(\n/* dbg!( /* x */ dbg!( */ b('\"', '\\'', r#\"dbg!(\"#, br\"x\"); fn f<'a>() {}";
        let code = code_only(source);
        assert!(!code.contains("dbg"), "{code}");
        assert!(code.contains("fn f<'a>() {}") && code.contains("b('"));
        assert_eq!(code.chars().count(), source.chars().count());
    }

    #[test]
    fn items_of_tests_fall_away() {
        let code = "fn a() {}\n#[cfg(test)]\nmod tests;\n#[cfg(all(test, unix))]\nmod more { fn b() { {} } }\n#[cfg(not(test))]\nfn c() {}\n#[cfg(unix)]\nfn d() {}";
        let (rest, modules) = without_tests(code);
        assert_eq!(modules, ["tests"]);
        assert!(
            !rest.contains("fn b")
                && rest.contains("fn c")
                && rest.contains("fn d")
                && rest.contains("fn a")
        );
    }

    #[test]
    fn names_modules_of_the_root() {
        let code = "use crate::{Error, jobs::{self, Job}, import};\nuse super::insight::ask;\nlet x = crate::export::y(); other::crate_x();";
        assert_eq!(
            root_modules(code, 1),
            ["export", "import", "insight", "jobs"]
        );
        assert_eq!(
            root_modules("use super::child; use super::super::goals::x;", 2),
            ["goals"]
        );
    }
}
