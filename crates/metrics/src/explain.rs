//! How a number comes about: the plan as text and the same computation as SQL
//! over the copy's tables, in the words that DuckDB and PostgreSQL share. The
//! SQL is made for people; nothing here executes it.

mod select;
mod text;

use keji_schema::calendar::epoch_days;
use keji_schema::expr::Op;
use keji_schema::metric::{Agg, OverTime, Unit};

use crate::explain::select::scan_sql;
use crate::explain::text::name;
use crate::plan::{Calculation, Formula, Part, Plan};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    pub plan: String,
    pub sql: String,
}

pub fn explain(plan: &Plan) -> Explanation {
    Explanation {
        plan: plan.to_string(),
        sql: statement(plan),
    }
}

fn statement(plan: &Plan) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (i, scan) in plan.scans.iter().enumerate() {
        let select = indent(&scan_sql(plan, scan));
        parts.push(format!("{} as (\n{select}\n)", cte(i)));
    }
    let keys = keys(plan);
    let one = plan.scans.len() == 1;
    let from = if one {
        cte(0)
    } else if keys.is_empty() {
        let scans: Vec<_> = (0..plan.scans.len()).map(cte).collect();
        scans.join(" cross join ")
    } else {
        parts.push(all_keys(plan, &keys));
        joined(plan, &keys)
    };
    let of = |key: &String| {
        if one {
            key.clone()
        } else {
            format!("all_keys.{key}")
        }
    };
    let keys: Vec<String> = keys.iter().map(of).collect();
    let mut columns = keys.clone();
    for metric in &plan.metrics {
        let value = formula(plan, metric.unit, &metric.formula, &keys);
        columns.push(format!("{value} as {}", name(&metric.id)));
    }
    let mut notes = String::new();
    if plan.grain.is_some() {
        notes += "-- periods without facts are added: 0 for counts and sums, null for the rest\n";
    }
    if let Some(compared) = &plan.compared {
        let seen = compared.span.seen;
        notes += &format!(
            "-- compared with the same from {} to {}\n",
            seen.from, seen.to
        );
    }
    for (i, scan) in plan.scans.iter().enumerate() {
        let what = match scan.over_time {
            Some(OverTime::Avg) => "the mean of every day",
            Some(OverTime::Max) => "the highest of every day",
            _ => continue,
        };
        let scan = cte(i);
        notes += &format!("-- {scan} is {what} of its period; shown is the last day\n");
    }
    let order = order(plan, &keys);
    let columns = columns.join(",\n  ");
    let with = parts.join(", ");
    format!(
        "{notes}with {with}\nselect\n  {columns}\nfrom {from}{order}\nlimit {}\n",
        plan.limit
    )
}

fn cte(i: usize) -> String {
    format!("scan_{}", i + 1)
}

fn keys(plan: &Plan) -> Vec<String> {
    let period = plan
        .grain
        .map(|_| if plan.cohort { "cohort" } else { "period" });
    let dimensions = plan.dimensions.iter().map(|d| d.name.as_str());
    period.into_iter().chain(dimensions).map(name).collect()
}

/// The order that the question asks for, as far as it does not concern the
/// comparison, which is not part of the statement.
fn order(plan: &Plan, keys: &[String]) -> String {
    let names = plan.column_names();
    let mut by: Vec<String> = Vec::new();
    for key in &plan.sort {
        let column = &names[key.column];
        let shown = |id: &str| plan.metrics.iter().any(|m| m.id == id);
        if !shown(column) && !plan.dimensions.iter().any(|d| d.name == *column) {
            continue;
        }
        let column = name(column);
        let column = if key.absolute {
            format!("abs({column})")
        } else {
            column
        };
        let direction = if key.descending { " desc" } else { "" };
        by.push(format!("{column}{direction} nulls last"));
    }
    by.extend(keys.iter().cloned());
    if by.is_empty() {
        String::new()
    } else {
        format!("\norder by {}", by.join(", "))
    }
}

fn all_keys(plan: &Plan, keys: &[String]) -> String {
    let keys = keys.join(", ");
    let selects = (0..plan.scans.len()).map(|i| format!("  select {keys} from {}", cte(i)));
    let selects: Vec<_> = selects.collect();
    format!("all_keys as (\n{}\n)", selects.join("\n  union\n"))
}

/// A null dimension is a group of its own, which plain equality would lose.
fn joined(plan: &Plan, keys: &[String]) -> String {
    let mut text = "all_keys".to_owned();
    for i in 0..plan.scans.len() {
        let scan = cte(i);
        let on = keys
            .iter()
            .map(|k| format!("{scan}.{k} is not distinct from all_keys.{k}"));
        let on: Vec<_> = on.collect();
        text += &format!("\nleft join {scan} on {}", on.join(" and "));
    }
    text
}

fn formula(plan: &Plan, unit: Unit, formula: &Formula, keys: &[String]) -> String {
    let number = |part: &Part| number(plan, part);
    let amount = matches!(unit, Unit::Money | Unit::Count);
    let divided = |num: String, den: String| {
        if amount {
            format!("round({num} / nullif({den}, 0), 4)")
        } else {
            format!("cast({num} as double precision) / nullif({den}, 0)")
        }
    };
    match formula {
        Formula::Measure(part) if part.agg == Agg::Avg => {
            let (sum, n) = (state(plan, part, part.state), state(plan, part, part.rows));
            divided(sum, n)
        }
        Formula::Measure(part) => number(part),
        Formula::Ratio(num, den) => divided(number(num), number(den)),
        Formula::ShareOfCohort(part) => {
            // The second key is the age.
            let others: Vec<_> = keys
                .iter()
                .take(1)
                .chain(keys.iter().skip(2))
                .cloned()
                .collect();
            let own = number(part);
            let start = format!("max(case when age = 0 then {own} end)");
            divided(
                own,
                format!("{start} over (partition by {})", others.join(", ")),
            )
        }
        Formula::Derived(calculation) => {
            let value = calculated(plan, calculation);
            if amount {
                format!("round({value}, 4)")
            } else {
                format!("cast({value} as double precision)")
            }
        }
    }
}

fn period_days(plan: &Plan) -> String {
    let span = &plan.now;
    let days = |i: usize| {
        let from = span.periods[i].from.max(span.seen.from);
        epoch_days(span.end(i)) - epoch_days(from)
    };
    if plan.grain.is_none() {
        return days(0).to_string();
    }
    let arms = (0..span.periods.len())
        .map(|i| format!("when date '{}' then {}", span.periods[i].from, days(i)));
    let period = if plan.scans.len() == 1 {
        "period"
    } else {
        "all_keys.period"
    };
    let arms: Vec<_> = arms.collect();
    format!("case {period} {} end", arms.join(" "))
}

/// Whole numbers would be divided without their rest.
fn calculated(plan: &Plan, calculation: &Calculation) -> String {
    match calculation {
        Calculation::Part(part) => format!("({})", number(plan, part)),
        Calculation::Constant(number) => number.to_string(),
        Calculation::PeriodDays => period_days(plan),
        Calculation::Negate(x) => format!("-({})", calculated(plan, x)),
        Calculation::Of(op, a, b) => {
            let (a, b) = (calculated(plan, a), calculated(plan, b));
            match op {
                Op::Div => format!("(1.0 * {a} / nullif({b}, 0))"),
                op => format!("({a} {} {b})", op.sign()),
            }
        }
    }
}

fn number(plan: &Plan, part: &Part) -> String {
    let (value, rows) = (state(plan, part, part.state), state(plan, part, part.rows));
    match part.agg {
        Agg::Count | Agg::CountDistinct => format!("coalesce({value}, 0)"),
        Agg::Sum => format!("case when {rows} > 0 then {value} else 0 end"),
        Agg::Avg => format!("{value} / nullif({rows}, 0)"),
        Agg::Min | Agg::Max | Agg::Median | Agg::P75 | Agg::P90 => value,
    }
}

fn state(plan: &Plan, part: &Part, i: usize) -> String {
    let column = name(&plan.scans[part.scan].states[i].name);
    if plan.scans.len() == 1 {
        column
    } else {
        format!("{}.{column}", cte(part.scan))
    }
}

fn indent(text: &str) -> String {
    text.lines()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
