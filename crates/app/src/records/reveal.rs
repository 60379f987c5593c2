//! The value of a masked field, of one record, for one reason that stays in
//! the log.

use keji_store::{Access, ChangeKind};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::{json, known, problem};
use crate::audit::{Event, note};
use crate::context::App;
use crate::error::{Error, FieldFault, Result};
use crate::permission::{Action, Caller, access, masks, may_reveal};

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevealBody {
    /// A field of the object.
    pub field: String,
    /// What the value is needed for, in at least a few words.
    pub reason: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Revealed {
    pub field: String,
    /// As in the record, in clear.
    #[schema(value_type = Value)]
    pub value: Json,
}

/// Refused unless the role says so; the reason is in the log before the value
/// goes out. A field that is not masked for the caller is told without an entry.
pub async fn reveal(
    app: &App,
    caller: &Caller,
    object: &str,
    id: i64,
    wanted: &RevealBody,
) -> Result<Revealed> {
    let def = known(app, caller, object, Action::Read)?;
    let own = access(caller, object);
    let field = def.field(&wanted.field);
    let field = field.filter(|f| own.shows(object, &f.id)).ok_or_else(|| {
        let zh = format!("没有字段「{}」", wanted.field);
        let en = format!("there is no field `{}`", wanted.field);
        FieldFault::new("field", "unknown_field", zh, en)
    })?;
    let is_masked = masks(caller, object, &field.id);
    if is_masked && !may_reveal(caller, object, &field.id) {
        return Err(Error::Forbidden {
            zh: format!("您的角色不能看「{object}.{}」的原值", field.id),
            en: format!("your role may not reveal `{object}.{}`", field.id),
        });
    }
    let reason = reason(&wanted.reason)?;
    let clear = Access {
        predicate: own.predicate,
        ..Access::all()
    };
    let record = app.store.get(object, id, &clear).await?;
    let record = record.ok_or_else(|| problem::not_found(def, id))?;
    if is_masked {
        let event = Event::new(ChangeKind::Reveal)
            .of(object, Some(id))
            .with("field", field.id.as_str())
            .with("reason", reason);
        note(app, caller, event).await?;
    }
    Ok(Revealed {
        field: field.id.clone(),
        value: json(record.value(&field.id)),
    })
}

/// A few words: some letters in at least two words, or in Chinese, which has
/// no spaces, at least four characters.
pub(crate) fn reason(text: &str) -> Result<&str> {
    const LONGEST: usize = 500;
    let text = text.trim();
    let letters = text.chars().filter(|c| c.is_alphabetic());
    let is_wide = text.chars().any(|c| c > '\u{2e7f}');
    let (n, n_words) = (letters.count(), text.split_whitespace().count());
    let is_enough = n >= 4 && (is_wide || n_words >= 2 && n >= 6);
    if is_enough && text.chars().count() <= LONGEST {
        return Ok(text);
    }
    let zh = format!("请用几个字写明原因（至少 4 个字，最多 {LONGEST} 个字符）");
    let en = format!("give the reason in a few words (at least two, at most {LONGEST} characters)");
    Err(FieldFault::new("reason", "value", zh, en).into())
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn a_reason_is_a_few_words() {
        for enough in ["客户来电核对地址", "  call back about order 7 ", "确认收货"] {
            assert!(reason(enough).is_ok(), "{enough}");
        }
        for too_little in ["", "   ", "x", "aaaa", "because", "....  ....", "看看"] {
            assert!(reason(too_little).is_err(), "{too_little}");
        }
        assert!(reason(&"长".repeat(501)).is_err());
    }
}
