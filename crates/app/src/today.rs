//! What a person has to look at today, by role and under rights: one answer
//! with a section for each kind of thing, made of the records and the newest
//! evaluation. Which sections there are and in which order follows from the
//! role; what is in them, from what the caller may see.
//!
//! Reading order: here, `rows` (the sections of records), `team`, `changes`
//! (what happened since yesterday), `keeping` (what a keeper of data asks).

mod changes;
mod keeping;
mod rows;
mod team;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use keji_schema::definition::Text2;
use serde::Serialize;
use utoipa::ToSchema;

use crate::context::App;
use crate::error::Result;
use crate::evaluation;
use crate::favourites::{self, MarkedBody};
use crate::messages::Language;
use crate::notifications::{self, NotificationBody, NotificationQuery};
use crate::permission::{Caller, Rows, rows_of};
use crate::records::LinkDoc;

pub use changes::ChangeRow;
pub use keeping::{BackupAge, DuplicateCount, FailedImport};
pub use team::TeamRow;

/// Rows of one section; the rest is counted.
const ROWS: u32 = 8;

#[derive(Debug, Serialize, ToSchema)]
pub struct Today {
    /// The day in the calendar's zone.
    #[schema(value_type = String, format = Date)]
    pub day: Date,
    /// The evaluation that risks are from; null before the first.
    #[schema(value_type = Option<String>, format = Date)]
    pub as_of: Option<Date>,
    /// Of amounts that do not say their own.
    pub currency: Option<String>,
    /// In the order in which they are shown. One without rows is there where
    /// something belongs into it, so that it says so.
    pub sections: Vec<Section>,
    pub favourites: Vec<MarkedBody>,
}

/// One section: its kind says which of the lists it has.
#[derive(Debug, Serialize, ToSchema)]
pub struct Section {
    pub kind: SectionKind,
    /// How many there are; more than the rows where those are only the first.
    pub total: i64,
    pub rows: Vec<TodayRow>,
    /// The list with the same records: a condition for its `where`.
    pub filter: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notifications: Vec<NotificationBody>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ChangeRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub team: Vec<TeamRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<FailedImport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub duplicates: Vec<DuplicateCount>,
    pub backup: Option<BackupAge>,
    /// What the amounts of all records of the section come to, one for each
    /// currency. Only of what was received.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sums: Vec<MoneySum>,
}

/// Exact, as text.
#[derive(Debug, Serialize, ToSchema)]
pub struct MoneySum {
    pub amount: String,
    /// Null where the records do not say theirs.
    pub currency: Option<String>,
}

impl Section {
    fn new(kind: SectionKind) -> Section {
        Section {
            kind,
            total: 0,
            rows: Vec::new(),
            filter: None,
            notifications: Vec::new(),
            changes: Vec::new(),
            team: Vec::new(),
            imports: Vec::new(),
            duplicates: Vec::new(),
            backup: None,
            sums: Vec::new(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SectionKind {
    /// The caller's tasks whose day is over.
    TasksOverdue,
    /// Those of this day.
    TasksToday,
    /// Contacts with customers that are planned for today, or were and did not
    /// come about.
    Visits,
    /// Customers that fall silent, with the money at stake.
    AtRisk,
    /// Payments that are due or will be within a week.
    Payments,
    /// Money that came in yesterday.
    Received,
    /// Tickets that are not solved.
    Tickets,
    /// Opportunities that were to close by now or are within two weeks.
    Closing,
    /// Contracts that end within 60 days and are meant to go on.
    Renewals,
    /// What the caller was not told yet.
    Notifications,
    /// What happened to the caller's customers since yesterday.
    Changes,
    /// Where the people of the team stand.
    Team,
    Imports,
    Duplicates,
    Backup,
    /// Customers that are new within a week.
    NewCustomers,
    /// Permissions withdrawn within a week.
    Withdrawn,
}

/// One record to look at.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct TodayRow {
    pub object: String,
    pub id: i64,
    /// Null where the object has no title, or the record none.
    pub title: Option<String>,
    /// Whose it is about, where that is another record.
    pub customer: Option<LinkDoc>,
    /// Who of us looks after it.
    pub user: Option<LinkDoc>,
    /// The day that it is about.
    #[schema(value_type = Option<String>, format = Date)]
    pub on: Option<Date>,
    /// The time of that day.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
    /// Days that it is late; less than none: in so many.
    pub days_late: Option<i32>,
    /// Exact, as text.
    pub amount: Option<String>,
    pub currency: Option<String>,
    /// Value of the field that says how it stands, with which the catalog
    /// names it: a ticket's `priority`, a customer's `stage`.
    pub state: Option<String>,
    /// Why it is here.
    pub reason: Option<Text2>,
}

/// What a role looks at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Focus {
    /// The own customers: a sales representative.
    Own,
    /// A team's: a manager, and the owner of all.
    Team,
    Whole,
    Service,
    Data,
    Marketing,
}

impl Focus {
    /// By the product's roles; of one's own by what it sees.
    fn of(caller: &Caller) -> Focus {
        match caller.role() {
            Some("representative") => Focus::Own,
            Some("manager") => Focus::Team,
            Some("service") => Focus::Service,
            Some("data") => Focus::Data,
            Some("marketing") => Focus::Marketing,
            Some("owner") | None => Focus::Whole,
            Some(_) => match rows_of(caller, "customer") {
                Some(Rows::Team | Rows::Department) => Focus::Team,
                Some(Rows::All) => Focus::Service,
                Some(Rows::Own) | None => Focus::Own,
            },
        }
    }

    fn sections(self) -> &'static [SectionKind] {
        use SectionKind::*;
        match self {
            Focus::Own => &[
                Notifications,
                TasksOverdue,
                TasksToday,
                Visits,
                AtRisk,
                Payments,
                Closing,
                Renewals,
                Tickets,
                Changes,
            ],
            Focus::Team => &[
                Notifications,
                TasksOverdue,
                TasksToday,
                Team,
                AtRisk,
                Payments,
                Closing,
                Tickets,
                Visits,
                Changes,
            ],
            Focus::Whole => &[
                Notifications,
                TasksOverdue,
                TasksToday,
                Received,
                Team,
                AtRisk,
                Payments,
                Closing,
                Tickets,
                Imports,
                Backup,
            ],
            Focus::Service => &[
                Notifications,
                Tickets,
                TasksOverdue,
                TasksToday,
                Visits,
                AtRisk,
                Renewals,
                Changes,
            ],
            Focus::Data => &[
                Notifications,
                TasksOverdue,
                TasksToday,
                Imports,
                Duplicates,
                Backup,
                NewCustomers,
            ],
            Focus::Marketing => &[
                Notifications,
                TasksOverdue,
                TasksToday,
                NewCustomers,
                Withdrawn,
                AtRisk,
            ],
        }
    }
}

/// Customers of the evaluation that are falling away. Without a model, which
/// few customers do not bear, what they brought in a year stands for the money.
fn at_risk(as_of: Date) -> String {
    format!(
        "as_of = '{as_of}' and stage in ('at_risk', 'declining', 'lost') \
         and (value_at_risk > 0 or value_at_risk is null and net_revenue_365 > 0)"
    )
}

/// What is known once for all sections.
struct Asked<'a> {
    app: &'a App,
    caller: &'a Caller,
    day: Date,
    as_of: Option<Date>,
    language: Language,
}

impl Asked<'_> {
    /// So many days from today.
    fn day(&self, days: i32) -> Date {
        let day = self.day.checked_add(days.days());
        day.unwrap_or(self.day)
    }

    /// When yesterday began.
    fn since(&self) -> Timestamp {
        let midnight = self.day(-1).at(0, 0, 0, 0);
        let at = self.app.catalog.calendar.instant_of(midnight);
        at.unwrap_or_else(|_| Timestamp::now() - 24.hours())
    }
}

pub async fn today(app: &App, caller: &Caller, language: Language) -> Result<Today> {
    let asked = Asked {
        app,
        caller,
        day: app.catalog.calendar.day_of(Timestamp::now()),
        as_of: evaluation::newest(app).await?,
        language,
    };
    let mut sections = Vec::new();
    for kind in Focus::of(caller).sections() {
        let section = match kind {
            SectionKind::Notifications => told(&asked).await?,
            SectionKind::Team => team::section(&asked).await?,
            SectionKind::Changes => changes::section(&asked).await?,
            SectionKind::Imports => keeping::imports(&asked).await?,
            SectionKind::Duplicates => keeping::duplicates(&asked).await?,
            SectionKind::Backup => keeping::backup(&asked).await?,
            SectionKind::Received => rows::received(&asked).await?,
            kind => rows::section(&asked, *kind).await?,
        };
        sections.extend(section);
    }
    Ok(Today {
        day: asked.day,
        as_of: asked.as_of,
        currency: app.currency(caller).await?,
        sections,
        favourites: favourites::list(app, caller).await?.favourites,
    })
}

async fn told(asked: &Asked<'_>) -> Result<Option<Section>> {
    let query = NotificationQuery {
        unread: true,
        limit: Some(ROWS),
        before: None,
    };
    let list = notifications::list(asked.app, asked.caller, &query).await?;
    Ok(Some(Section {
        total: list.unread.into(),
        notifications: list.notifications,
        ..Section::new(SectionKind::Notifications)
    }))
}
