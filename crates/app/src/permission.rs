//! Who acts, and what follows from it: a row predicate and a set of hidden
//! fields for each object. Every read and write of this crate asks here first.
//!
//! There are no logins yet: whoever can reach the machine's loopback address
//! or its command line is the owner of the data and sees all of it. The types
//! are those that rights will be compiled into.

use std::collections::BTreeSet;

use keji_store::Access;

use crate::error::Result;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub actor: String,
    pub channel: Channel,
}

/// The way by which a caller came in; kept in the change log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    CommandLine,
    Api,
    Job,
}

impl Channel {
    pub fn id(self) -> &'static str {
        match self {
            Channel::CommandLine => "command_line",
            Channel::Api => "api",
            Channel::Job => "job",
        }
    }
}

impl Caller {
    pub fn command_line() -> Caller {
        Caller {
            actor: "owner".to_owned(),
            channel: Channel::CommandLine,
        }
    }

    pub fn api() -> Caller {
        Caller {
            actor: "owner".to_owned(),
            channel: Channel::Api,
        }
    }

    pub fn job() -> Caller {
        Caller {
            actor: "system".to_owned(),
            channel: Channel::Job,
        }
    }
}

/// What is done with an object's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Read,
    Create,
    Update,
    Delete,
    Import,
    Export,
}

/// Refuses what the caller's role does not allow with an object. Which of its
/// records are meant is [`access`]'s to say.
pub fn require(_caller: &Caller, _object: &str, _action: Action) -> Result<()> {
    Ok(())
}

/// What the caller may see of an object's records.
pub fn access(_caller: &Caller, _object: &str) -> Access {
    Access {
        predicate: None,
        hidden: BTreeSet::new(),
    }
}
