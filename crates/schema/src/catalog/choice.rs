//! What the rules of choice must keep to, and the files of them as one set.

use std::collections::{BTreeMap, BTreeSet};

use super::Catalog;
use super::load::{File, Files, is_name};
use crate::choice::{ChoiceDef, FEWEST, MOST_OF_A_GROUP, MOST_POINTS};
use crate::definition::Text2;
use crate::error::Result;
use crate::expr::Expr;

/// All files as one set, in the order of their names. An id stands once.
pub(super) fn join(files: &Files, defs: &BTreeMap<String, ChoiceDef>) -> Result<ChoiceDef> {
    let mut all = ChoiceDef::default();
    let mut seen: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for (name, def) in defs {
        let file = files[&("choice", name.clone())];
        for (list, ids) in ids(def) {
            for (i, id) in ids.into_iter().enumerate() {
                let at = |message: String| file.error(&[list, &i.to_string(), "id"], message);
                if !is_name(id) {
                    let message = format!("`{id}` is not a name: small letters, digits and _");
                    return Err(at(message));
                }
                if let Some(other) = seen.insert((list, id), file.path) {
                    return Err(at(format!("{list} `{id}` is defined in {other} too")));
                }
            }
        }
        all.goals.extend(def.goals.iter().cloned());
        all.groups.extend(def.groups.iter().cloned());
        all.industries.extend(def.industries.iter().cloned());
        all.statements.extend(def.statements.iter().cloned());
        all.rules.extend(def.rules.iter().cloned());
    }
    Ok(all)
}

/// The ids of a file by the list that they stand in.
fn ids(def: &ChoiceDef) -> [(&'static str, Vec<&str>); 5] {
    [
        ("goal", def.goals.iter().map(|w| w.id.as_str()).collect()),
        ("group", def.groups.iter().map(|g| g.id.as_str()).collect()),
        (
            "industry",
            def.industries.iter().map(|w| w.id.as_str()).collect(),
        ),
        (
            "statement",
            def.statements.iter().map(|s| s.id.as_str()).collect(),
        ),
        ("rule", def.rules.iter().map(|r| r.id.as_str()).collect()),
    ]
}

impl Catalog {
    /// Each file against the whole: texts are there, words and metrics exist.
    pub(super) fn check_choice(
        &self,
        files: &Files,
        defs: &BTreeMap<String, ChoiceDef>,
    ) -> Result<()> {
        for (name, def) in defs {
            let file = files[&("choice", name.clone())];
            for (list, i, key, text) in texts(def) {
                check_text(file, &[list, &i.to_string(), key], text)?;
            }
            for (i, group) in def.groups.iter().enumerate() {
                self.check_group(file, i, &group.filter)?;
            }
            for i in 0..def.rules.len() {
                self.check_choice_rule(file, def, i)?;
            }
        }
        self.check_always(files, defs)
    }

    /// Some object's numbers can be narrowed so.
    fn check_group(&self, file: File, i: usize, filter: &str) -> Result<()> {
        let mut first = None;
        let copied = self.objects.values().filter(|o| o.copy.is_some());
        for object in copied {
            match Expr::parse_filter(filter, &self.dimension_scope(&object.id)) {
                Ok(_) => return Ok(()),
                Err(e) => first = first.or(Some(e)),
            }
        }
        let why = first.map_or("there is nothing to narrow".to_owned(), |e| e.to_string());
        Err(file.error(&["group", &i.to_string(), "filter"], why))
    }

    fn check_choice_rule(&self, file: File, def: &ChoiceDef, i: usize) -> Result<()> {
        let rule = &def.rules[i];
        let at = |key: &str, message: String| {
            let i = i.to_string();
            file.error(&["rule", &i, key], message)
        };
        let (when, all) = (&rule.when, &self.choice);
        let words = [
            (
                "goal",
                &when.goal,
                when.goal.as_ref().map(|id| all.goal(id).is_some()),
            ),
            (
                "group",
                &when.group,
                when.group.as_ref().map(|id| all.group(id).is_some()),
            ),
            (
                "industry",
                &when.industry,
                when.industry.as_ref().map(|id| all.industry(id).is_some()),
            ),
            (
                "statement",
                &when.statement,
                when.statement
                    .as_ref()
                    .map(|id| all.statement(id).is_some()),
            ),
        ];
        for (kind, id, is_known) in words {
            if is_known == Some(false) {
                let id = id.as_deref().unwrap_or_default();
                return Err(at("when", format!("there is no {kind} `{id}`")));
            }
        }
        if !(1..=MOST_POINTS).contains(&rule.points) {
            let message = format!("{} is not from 1 to {MOST_POINTS}", rule.points);
            return Err(at("points", message));
        }
        if rule.metrics.is_empty() {
            return Err(at("metrics", "a rule names at least one metric".to_owned()));
        }
        let mut seen = BTreeSet::new();
        for id in &rule.metrics {
            let Some(metric) = self.metrics.get(id) else {
                return Err(at("metrics", format!("there is no metric `{id}`")));
            };
            if metric.cohort.is_some() {
                let message = format!("metric `{id}` is a table of cohorts, not one number");
                return Err(at("metrics", message));
            }
            if !seen.insert(id) {
                return Err(at("metrics", format!("metric `{id}` is there twice")));
            }
        }
        Ok(())
    }

    /// Whatever a firm says, enough metrics of enough groups come together.
    fn check_always(&self, files: &Files, defs: &BTreeMap<String, ChoiceDef>) -> Result<()> {
        let Some(name) = defs.iter().find(|(_, d)| !d.rules.is_empty()) else {
            return Ok(());
        };
        let mut groups: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let always = self.choice.rules.iter().filter(|r| r.when.is_always());
        for metric in always.flat_map(|r| &r.metrics) {
            let metric = self.metric(metric)?;
            let group = groups.entry(&metric.group).or_default();
            group.insert(&metric.code);
        }
        let n: usize = groups.values().map(|g| g.len().min(MOST_OF_A_GROUP)).sum();
        if n < FEWEST {
            let file = files[&("choice", name.0.clone())];
            let message = format!(
                "the rules for every firm give {n} metrics, at most {MOST_OF_A_GROUP} of a \
                 group: it takes {FEWEST}"
            );
            return Err(file.error(&["rule"], message));
        }
        Ok(())
    }
}

type TextAt<'a> = (&'static str, usize, &'static str, &'a Text2);

fn texts(def: &ChoiceDef) -> Vec<TextAt<'_>> {
    let mut all: Vec<TextAt<'_>> = Vec::new();
    for (list, words) in [("goal", &def.goals), ("industry", &def.industries)] {
        for (i, word) in words.iter().enumerate() {
            all.push((list, i, "name", &word.name));
            all.push((list, i, "about", &word.about));
        }
    }
    for (i, group) in def.groups.iter().enumerate() {
        all.push(("group", i, "name", &group.name));
        all.push(("group", i, "about", &group.about));
    }
    for (i, statement) in def.statements.iter().enumerate() {
        all.push(("statement", i, "name", &statement.name));
    }
    for (i, rule) in def.rules.iter().enumerate() {
        all.push(("rule", i, "why", &rule.why));
    }
    all
}

fn check_text(file: File, key: &[&str], text: &Text2) -> Result<()> {
    for (language, text) in [("zh", &text.zh), ("en", &text.en)] {
        if text.trim().is_empty() {
            return Err(file.error(key, format!("the text `{language}` is empty")));
        }
    }
    Ok(())
}
