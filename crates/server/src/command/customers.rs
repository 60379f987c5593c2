//! `keji customers` and `keji export`.

use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;
use keji_app::customers::ListCustomers;
use keji_app::export::{Format, RecordsWanted};
use keji_app::import::{self, Source};

use super::import::mapping;
use super::output::Output;
use super::{DONE, InName, Place, open};

#[derive(Args)]
pub struct ListArgs {
    #[command(flatten)]
    name: InName,
    /// A condition over customer and score fields, for example "tier = 'vip' and silence > 1".
    #[arg(long = "where", value_name = "EXPR")]
    filter: Option<String>,
    /// A field to sort by, `-` for descending.
    #[arg(long, allow_hyphen_values = true, value_name = "FIELD")]
    sort: Option<String>,
    /// At most so many rows.
    #[arg(long, default_value_t = 20)]
    limit: u32,
    /// Begin behind so many rows.
    #[arg(long, default_value_t = 0)]
    offset: u64,
    /// Part of a name or number.
    #[arg(long)]
    search: Option<String>,
    /// The evaluation to read; without it the newest.
    #[arg(long, value_name = "DATE")]
    as_of: Option<Date>,
}

pub async fn list(place: &Place, args: ListArgs, output: &Output) -> anyhow::Result<u8> {
    let app = open(place).await?;
    let wanted = ListCustomers {
        filter: args.filter,
        search: args.search,
        sort: args.sort,
        limit: Some(args.limit),
        offset: Some(args.offset),
        as_of: args.as_of,
    };
    let caller = args.name.caller(&app).await?;
    let page = keji_app::customers::list(&app, &caller, &wanted).await?;
    if output.is_json {
        output.json(&page)?;
    } else {
        let columns = [
            "number",
            "name",
            "tier",
            "stage",
            "days_since_last",
            "n_orders",
            "net_revenue_365",
            "p_alive",
            "clv_12m",
            "value_at_risk",
        ];
        let rows: Vec<Vec<String>> = page
            .resources
            .iter()
            .map(|row| {
                columns
                    .iter()
                    .map(|c| row.get(*c).map(|v| output.cell(v)).unwrap_or_default())
                    .collect()
            })
            .collect();
        output.table(&columns.map(str::to_owned), &rows);
        println!("{} / {}", page.resources.len(), page.total);
    }
    app.close().await;
    Ok(DONE)
}

#[derive(Args)]
pub struct ExportArgs {
    #[command(flatten)]
    name: InName,
    /// `customers`, with their scores; an object such as `order`, `order_line`
    /// or `product`; or a file of orders that comes back with tier, stage, churn
    /// risk, reason and expected value of each row's customer.
    #[arg(default_value = "customers")]
    what: String,
    /// What the columns of the file mean, as for `keji import`.
    #[arg(long, value_name = "M")]
    mapping: Option<PathBuf>,
    /// The file to write; its ending decides the format: .csv, .xlsx or .parquet.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// A condition over the fields, of customers also those of their scores; not
    /// of a file.
    #[arg(long = "where", value_name = "EXPR")]
    filter: Option<String>,
    /// Part of a name or number; of the list of customers only.
    #[arg(long)]
    search: Option<String>,
    /// A field to sort by, `-` for descending; not of a file.
    #[arg(long, allow_hyphen_values = true, value_name = "FIELD")]
    sort: Option<String>,
    /// The evaluation to read, without it the newest; of the list of customers only.
    #[arg(long, value_name = "DATE")]
    as_of: Option<Date>,
}

/// What a call of `keji export` writes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Customers,
    Object,
    File,
}

/// An option that means nothing here would be taken for one that worked.
fn refuse_unused(args: &ExportArgs, what: What) -> Result<(), keji_app::Error> {
    let given = [
        ("--mapping", args.mapping.is_some(), what == What::File),
        ("--where", args.filter.is_some(), what != What::File),
        ("--search", args.search.is_some(), what == What::Customers),
        ("--sort", args.sort.is_some(), what != What::File),
        ("--as-of", args.as_of.is_some(), what == What::Customers),
    ];
    let unused = given.iter().find(|(_, given, is_used)| *given && !*is_used);
    let Some((option, ..)) = unused else {
        return Ok(());
    };
    let name = &args.what;
    let (zh, en) = match what {
        What::Customers => (
            format!("{option} 只用于订单文件；`keji export customers` 写出的是客户列表"),
            format!(
                "{option} is for a file of orders; `keji export customers` writes the list of customers"
            ),
        ),
        What::Object => (
            format!("{option} 不用于 `keji export {name}`"),
            format!("{option} is not for `keji export {name}`"),
        ),
        What::File => (
            format!(
                "{option} 不用于文件：{name} 总是每一行都写回。写出客户列表用 `keji export customers`"
            ),
            format!(
                "{option} is not for a file: of {name} every row goes back. `keji export customers` writes the list of customers"
            ),
        ),
    };
    Err(keji_app::Error::State {
        code: "option_unused",
        zh,
        en,
    })
}

pub async fn export(place: &Place, args: ExportArgs, output: &Output) -> anyhow::Result<u8> {
    let format = Format::of(&args.output)?;
    let app = open(place).await?;
    let what = match args.what.as_str() {
        "customers" => What::Customers,
        name if app.catalog.objects.contains_key(name) => What::Object,
        _ => What::File,
    };
    refuse_unused(&args, what)?;
    let caller = args.name.caller(&app).await?;
    let n_rows = if what == What::Object {
        let wanted = RecordsWanted {
            object: args.what,
            filter: args.filter,
            sort: args.sort,
        };
        let (out, language) = (&args.output, output.language);
        keji_app::export::records(&app, &caller, format, &wanted, out, language).await?
    } else if what == What::Customers {
        let wanted = ListCustomers {
            filter: args.filter,
            search: args.search,
            sort: args.sort,
            as_of: args.as_of,
            ..ListCustomers::default()
        };
        keji_app::export::customers(
            &app,
            &caller,
            format,
            &wanted,
            &args.output,
            output.language,
        )
        .await?
    } else {
        let path = PathBuf::from(&args.what);
        let source = Source {
            filename: args.what.clone(),
            mapping: mapping(args.mapping.as_deref())?,
            path,
        };
        let out = args.output.clone();
        import::scored(&app, &caller, source, format, out, output.language).await?
    };
    if output.is_json {
        output.json(&serde_json::json!({ "file": args.output, "rows": n_rows }))?;
    } else {
        println!(
            "{} {} → {}",
            n_rows,
            output.say("行", "rows"),
            args.output.display()
        );
    }
    app.close().await;
    Ok(DONE)
}
