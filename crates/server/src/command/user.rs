//! `keji user …` and `keji token …`.

use std::io::{IsTerminal, Read};

use clap::{Args, Subcommand};
use jiff::civil::Date;
use keji_app::identity::people::{self, NewUser, UserChange};
use keji_app::identity::{self, WantedToken};
use keji_app::{App, Error};
use serde_json::json;

use super::output::Output;
use super::{DONE, Place, caller, open};

#[derive(Subcommand)]
pub enum UserCommand {
    /// Add a user; the password is read from standard input.
    Add(AddArgs),
    /// List the users.
    List,
    /// Give a user a new password, read from standard input.
    Password {
        /// Sign-in name.
        #[arg(value_name = "LOGIN")]
        login: String,
    },
}

#[derive(Args)]
pub struct AddArgs {
    /// Sign-in name.
    #[arg(value_name = "LOGIN")]
    login: String,
    /// Role: owner, manager, representative, service, marketing, data or one
    /// of your own.
    #[arg(long)]
    role: String,
    /// The person's name; absent: the sign-in name.
    #[arg(long)]
    name: Option<String>,
    /// Without a password nobody signs in as this user; for programs that come
    /// in by tokens.
    #[arg(long)]
    no_password: bool,
}

#[derive(Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it; it is not shown again.
    Create(CreateArgs),
    /// List a user's tokens, without what is secret.
    List(OfUser),
    /// End a token.
    Delete {
        /// Its number in the list.
        id: i64,
        #[command(flatten)]
        of: OfUser,
    },
}

#[derive(Args)]
pub struct OfUser {
    /// Sign-in name of the user; may be left out where there is only one.
    #[arg(long, value_name = "LOGIN")]
    user: Option<String>,
}

#[derive(Args)]
pub struct CreateArgs {
    /// What it is for.
    name: String,
    /// What it is limited to: read, write, export, admin, or of one object as
    /// customer:read; may be given several times.
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// The day on which it ends.
    #[arg(long, value_name = "DATE")]
    expires_on: Option<Date>,
    #[command(flatten)]
    of: OfUser,
}

pub async fn user(place: &Place, command: UserCommand, output: &Output) -> anyhow::Result<u8> {
    let app = open(place).await?;
    let caller = caller();
    match command {
        UserCommand::Add(args) => {
            let user = NewUser {
                name: args.name.unwrap_or_else(|| args.login.clone()),
                login: args.login.clone(),
                role: args.role,
                password: match args.no_password {
                    true => None,
                    false => Some(password(output)?),
                },
                ..NewUser::default()
            };
            let id = people::create_user(&app, &caller, &user).await?;
            if output.is_json {
                output.json(&json!({ "id": id, "login": args.login }))?;
            } else {
                let said = (
                    format!("已添加用户 {}", args.login),
                    format!("added user {}", args.login),
                );
                println!("{}", output.say(&said.0, &said.1));
            }
        }
        UserCommand::List => {
            let list = people::users(&app, &caller).await?;
            if output.is_json {
                output.json(&list)?;
            } else {
                let say = |zh, en| output.say(zh, en).to_owned();
                let head = [
                    say("登录名", "login"),
                    say("姓名", "name"),
                    say("角色", "role"),
                    say("在用", "active"),
                ];
                let rows: Vec<Vec<String>> = (list.users.into_iter())
                    .map(|u| {
                        let is_active = match u.is_active {
                            true => say("是", "yes"),
                            false => say("否", "no"),
                        };
                        vec![u.login, u.name, u.role, is_active]
                    })
                    .collect();
                output.table(&head, &rows);
            }
        }
        UserCommand::Password { login } => {
            let id = of_login(&app, &login).await?;
            let wanted = UserChange {
                password: Some(password(output)?),
                ..UserChange::default()
            };
            people::change_user(&app, &caller, id, &wanted).await?;
            println!("{}", output.say("密码已更换", "the password is changed"));
        }
    }
    app.close().await;
    Ok(DONE)
}

pub async fn token(place: &Place, command: TokenCommand, output: &Output) -> anyhow::Result<u8> {
    let app = open(place).await?;
    let caller = caller();
    match command {
        TokenCommand::Create(args) => {
            let user = chosen(&app, args.of.user.as_deref()).await?;
            let wanted = WantedToken {
                name: args.name,
                scopes: args.scope,
                expires_on: args.expires_on,
            };
            let made = identity::create_token_for(&app, &caller, user, &wanted).await?;
            if output.is_json {
                output.json(&made)?;
            } else {
                println!("{}", made.token);
            }
        }
        TokenCommand::List(of) => {
            let user = chosen(&app, of.user.as_deref()).await?;
            let list = identity::tokens_of(&app, user).await?;
            if output.is_json {
                output.json(&list)?;
            } else {
                let say = |zh, en| output.say(zh, en).to_owned();
                let head = [
                    say("编号", "id"),
                    say("名称", "name"),
                    say("范围", "scopes"),
                    say("用过", "used"),
                ];
                let rows: Vec<Vec<String>> = (list.tokens.into_iter())
                    .map(|t| {
                        let used = t.used_at.map_or_else(String::new, |at| at.to_string());
                        vec![t.id.to_string(), t.name, t.scopes.join(" "), used]
                    })
                    .collect();
                output.table(&head, &rows);
            }
        }
        TokenCommand::Delete { id, of } => {
            let user = chosen(&app, of.user.as_deref()).await?;
            identity::delete_token_of(&app, &caller, user, id).await?;
            println!("{}", output.say("令牌已作废", "the token is ended"));
        }
    }
    app.close().await;
    Ok(DONE)
}

/// One line of standard input; on a terminal it is asked for.
fn password(output: &Output) -> anyhow::Result<String> {
    let mut text = String::new();
    if std::io::stdin().is_terminal() {
        eprintln!("{}", output.say("请输入密码：", "password:"));
        std::io::stdin().read_line(&mut text)?;
    } else {
        std::io::stdin().take(10_000).read_to_string(&mut text)?;
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

async fn of_login(app: &App, login: &str) -> Result<i64, Error> {
    let found = people::by_login(app, &login.to_lowercase()).await?;
    found
        .map(|user| user.id)
        .ok_or_else(|| Error::not_found("user", login))
}

/// The user of a name, or the only one.
async fn chosen(app: &App, login: Option<&str>) -> Result<i64, Error> {
    if let Some(login) = login {
        return of_login(app, login).await;
    }
    let users = people::users(app, &caller()).await?.users;
    match users.as_slice() {
        [only] => Ok(only.id),
        _ => Err(Error::Argument {
            name: "--user",
            zh: "请用 --user 说明是哪个用户的".to_owned(),
            en: "say with --user whose it is".to_owned(),
        }),
    }
}
