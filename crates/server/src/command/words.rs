//! The help of the command line in Chinese, and what is wrong with a call.
//! The English stands with the commands and their arguments; here is the same
//! in Chinese, by the names that they have there.

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory, FromArgMatches};
use keji_app::messages::Language;

use super::NEEDS_YOU;

/// `command` or `command.argument`; those of every command stand with `keji`.
#[rustfmt::skip]
const HELP: &[(&str, &str)] = &[
    ("keji", "Keji 客绩：每个客户表现如何，为什么，接下来做什么。"),
    ("keji.data", "数据文件夹"),
    ("keji.database", "把数据放在 PostgreSQL 里：postgres://用户:密码@主机/库名"),
    ("keji.json", "结果以一份 JSON 打印"),
    ("keji.help", "显示这份帮助"),
    ("keji.version", "显示版本"),
    ("help", "显示某条命令的帮助"),
    ("serve", "启动服务和页面"),
    ("serve.listen", "在哪里监听；有登录之前只能是本机地址。端口 0 表示任选一个空的"),
    ("serve.demo_if_empty", "这里没有数据时先装入示例公司"),
    ("serve.public_url", "人们打开的地址，由本机上的代理把请求转过来，例如 https://keji.example.com"),
    ("serve.limit_requests", "一个来访者每秒最多多少个请求；一下子最多十倍。0 表示不限"),
    ("serve.limit_at_once", "一个来访者同时最多多少个请求。0 表示不限"),
    ("serve.limit_sign_ins", "一个地址每分钟最多登录多少次。0 表示不限"),
    ("serve.limit_answers", "公开表单：一个地址每分钟最多提交多少份，一个表单合计二十倍。0 表示不限"),
    ("serve.limit_file", "附件最大多少 MB。0 表示不限"),
    (
        "serve.allow_outbound",
        "允许服务（网络钩子、单点登录）向这个非公网的主机和端口发请求，多个用逗号隔开",
    ),
    ("import", "导入订单或其他记录的文件（CSV、CSV.gz、XLSX），或撤销一次导入"),
    ("import.as_user", "以这个用户的名义，权限和他的一样；不写就什么都能做，因为能用这条命令的人有数据文件夹"),
    ("import.object", "文件里是哪种对象的记录，例如 contact；不写则是订单"),
    ("import.files", "订单明细文件，或 --object 的记录文件：.csv、.csv.gz 或 .xlsx；每个文件一个批次"),
    ("import.dry_run", "全部读一遍、检查一遍，什么都不保存"),
    ("import.mapping", "各列的含义：第一次导入打印出来、改好后的文件"),
    ("import.mode", "已有的数据怎么办：add 新增，update 更新，replace 替换"),
    ("import.source", "文件的来源；replace 必须说明"),
    ("import.rejects", "退回的行连同原因写到哪个文件"),
    ("import.undo", "撤销整个批次"),
    ("evaluate", "评估每个客户：价值等级、阶段、RFM、风险"),
    ("evaluate.as_of", "只看这一天之前的事；不写则为最后一张订单的次日"),
    ("ask", "查询一个或几个指标"),
    ("ask.as_user", "以这个用户的名义，权限和他的一样；不写就什么都能做，因为能用这条命令的人有数据文件夹"),
    ("ask.metrics", "指标，用逗号分开，例如 gross_sales,orders"),
    ("ask.by", "维度，用逗号分开：country、customer.kind、product.category……其中写粒度（day、week、month、quarter、year）则按期间拆分"),
    ("ask.grain", "按期间拆分"),
    ("ask.from", "第一天，含这一天"),
    ("ask.to", "结束的那一天，不含"),
    ("ask.filter", "对维度的条件，例如 \"customer is not null\""),
    ("ask.compare", "与等长的上一期间对比，或与去年同期对比"),
    ("ask.as_of", "只看这一天之前的事"),
    ("ask.sort", "按哪些列排序，前面加 `-` 为降序，加 `abs:` 为按大小"),
    ("ask.limit", "最多多少行；与 --rows 同用时为最近的多少条记录"),
    ("ask.explain", "不给结果，给出定义、计划和 SQL"),
    ("ask.rows", "不给结果，列出数字背后的记录"),
    ("ask.output", "把结果（与 --rows 同用时为那些记录）写到这个 .csv、.xlsx 或 .parquet 文件"),
    ("file", "保存附件的内容、写到磁盘、替换"),
    ("file add", "保存一个文件，并新建它的记录"),
    ("file add.path", "要保存的文件"),
    ("file add.name", "名称；不写则用文件自己的名字"),
    ("file add.customer", "客户的 id；不写则为合同、工单或联系人的客户"),
    ("file add.contract", "合同的 id"),
    ("file add.ticket", "工单的 id"),
    ("file add.contact", "联系人的 id"),
    ("file add.note", "备注"),
    ("file get", "把附件的内容写到磁盘"),
    ("file get.id", "记录的 id"),
    ("file get.output", "写到哪里；不写则用它自己的名字，写在当前文件夹"),
    ("file replace", "换上另一份内容"),
    ("file replace.id", "记录的 id"),
    ("file replace.path", "要保存的文件"),
    ("person", "导出或清除一个人的全部数据"),
    ("person export", "把一个人的全部数据写成一份 ZIP"),
    ("person export.object", "`contact`（联系人）或 `customer`（客户）"),
    ("person export.id", "记录的 id"),
    ("person export.output", "要写的 ZIP 文件"),
    ("person erase", "永久清除一个人的数据"),
    ("person erase.object", "`contact`（联系人）或 `customer`（客户）"),
    ("person erase.id", "记录的 id"),
    ("person erase.reason", "原因：几个字，不写姓名"),
    ("person erase.confirm", "记录的名称，用来确认"),
    ("person erased", "列出清除过的人，只有假名"),
    ("consent", "查看和登记一个人的授权同意"),
    ("consent show", "查看现在或某一时刻的授权"),
    ("consent show.object", "`contact`（联系人）或 `customer`（客户）"),
    ("consent show.id", "记录的 id"),
    ("consent show.as_of", "那一时刻的状态，按当时已知的"),
    ("consent add", "增加一条授权"),
    ("consent add.object", "`contact`（联系人）或 `customer`（客户）"),
    ("consent add.id", "记录的 id"),
    ("consent add.channel", "phone、sms、email、wechat、post、visit 或 any"),
    ("consent add.purpose", "marketing、service、survey、profiling 或 sharing"),
    ("consent add.state", "given（同意）或 withdrawn（撤回）"),
    ("consent add.at", "本人表示的时间；不写则为现在"),
    ("consent add.source", "怎样得到：表单、电话、合同"),
    ("consent add.evidence", "凭据"),
    ("consent import", "从 CSV 文件增加授权：object,id,channel,purpose,state,at,source,evidence"),
    ("consent import.file", "文件；整份登记，或一条都不登记"),
    ("restore.erasures", "清除登记（数据文件夹里的 erasures.jsonl）：备份之后清除的人再清除一次；不写则用备份所在数据文件夹的那一份"),
    ("customers", "列出客户和评分"),
    ("customers.as_user", "以这个用户的名义，权限和他的一样；不写就什么都能做，因为能用这条命令的人有数据文件夹"),
    ("customers.filter", "对客户字段和评分字段的条件，例如 \"tier = 'vip' and silence > 1\""),
    ("customers.sort", "按哪个字段排序，前面加 `-` 为降序"),
    ("customers.limit", "最多多少行"),
    ("customers.offset", "从第几行之后开始"),
    ("customers.search", "名称或编号的一部分"),
    ("customers.as_of", "读哪一次评估；不写则为最新的"),
    ("export", "把客户和评分，或任何一种数据，写到 .csv、.xlsx 或 .parquet 文件"),
    ("export.as_user", "以这个用户的名义，权限和他的一样；不写就什么都能做，因为能用这条命令的人有数据文件夹"),
    ("export.what", "`customers`（客户和评分）；一种数据，如 `order`、`order_line`、`product`；或一份订单文件：原样写回，每行加上客户的等级、阶段、流失风险、原因和预期价值"),
    ("export.mapping", "文件各列的含义，同 `keji import`"),
    ("export.output", "要写的文件；结尾决定格式：.csv、.xlsx 或 .parquet"),
    ("export.filter", "对字段的条件，客户列表包括评分字段；不用于订单文件"),
    ("export.search", "名称或编号的一部分；只用于客户列表"),
    ("export.sort", "按哪个字段排序，前面加 `-` 为降序；不用于订单文件"),
    ("export.as_of", "读哪一次评估；不写则为最新的；只用于客户列表"),
    ("records", "列出、查看、新建、修改、删除任何一种数据的记录"),
    ("records.as_user", "以这个用户的名义，权限和他的一样；不写就什么都能做，因为能用这条命令的人有数据文件夹"),
    ("records.object", "哪一种数据：customer、contact、order……"),
    ("records list", "列出记录"),
    ("records list.filter", "对字段的条件，例如 \"city = '上海'\""),
    ("records list.search", "可搜索字段里的一段文字"),
    ("records list.sort", "按哪些字段排序，用逗号隔开，前面加 `-` 为降序"),
    ("records list.fields", "显示哪些字段，用逗号隔开，也可以沿着关联写：customer.name"),
    ("records list.limit", "最多多少条"),
    ("records list.after", "上一页给出的 `next`"),
    ("records list.count", "同时数出符合条件的总数"),
    ("records get", "查看一条记录"),
    ("records get.id", "记录的 id"),
    ("records create", "新建一条记录"),
    ("records create.pairs", "字段和值；`=` 后面不写就是清空。关联写 id，或写 customer.number=K1"),
    ("records create.values", "值写在这个文件里，是一个 JSON 对象；`-` 表示标准输入；命令里写的值优先"),
    ("records create.key", "这次请求的名字：用同一个名字再发一次，不会重复新建"),
    ("records bulk", "一次新建、修改、删除很多条；文件里不另说，就要么全做要么全不做"),
    ("records bulk.file", "JSON 文件，`operations` 里是要做的事，写法见 API 的说明；`-` 表示标准输入"),
    ("records bulk.key", "这次请求的名字：用同一个名字再发一次，什么都不会重复做"),
    ("records groups", "按一个字段数记录，并加总一个数"),
    ("records groups.by", "字段，也可以沿着关联写：stage.kind；日期按月"),
    ("records groups.sum", "要加总的数"),
    ("records groups.filter", "对字段的条件"),
    ("records groups.search", "可搜索字段里的一段文字"),
    ("records reveal", "看一个被遮盖字段的原值；原因留在记录里"),
    ("records reveal.id", "记录的 id"),
    ("records reveal.field", "字段"),
    ("records reveal.reason", "为什么要看，至少几个字"),
    ("records update", "修改一条记录的字段"),
    ("records update.id", "记录的 id"),
    ("records update.pairs", "字段和值；`=` 后面不写就是清空。关联写 id，或写 customer.number=K1"),
    ("records update.values", "值写在这个文件里，是一个 JSON 对象；`-` 表示标准输入；命令里写的值优先"),
    ("records update.if_match", "只在记录仍是这个版本时才改"),
    ("records delete", "删除一条没有被别处关联的记录"),
    ("records delete.id", "记录的 id"),
    ("records delete.if_match", "只在记录仍是这个版本时才删"),
    ("records history", "列出一条记录的变更，新的在前"),
    ("records history.id", "记录的 id"),
    ("records history.after", "上一页给出的 `next`"),
    ("records history.limit", "最多多少条变更"),
    ("definitions", "单独检查自己的定义文件；不打开任何别的东西"),
    ("definitions.folder", "哪个文件夹；不写则为数据文件夹里的 definitions"),
    ("check", "证明定义、数据库和列存副本完好且一致"),
    ("check.against", "放在别处的备份：变更记录必须是它里面的那一份接着写下来的"),
    ("backup", "把全部数据写进一个文件，别人可以继续工作"),
    ("backup.file", "要写的文件，必须还不存在；不写则放进数据文件夹的 backups，网页上看得到"),
    ("restore", "把备份恢复到空的地方"),
    ("restore.file", "备份文件。恢复到 --data 的文件夹或 --database 的数据库，它们必须是空的"),
    ("outbound", "对外发送是否停着；恢复备份以后放行"),
    ("outbound status", "看对外发送是否停着"),
    ("outbound release", "放行：从现在起由这里对外发送"),
    ("demo", "在空的地方装入示例公司"),
    ("user", "添加用户、列出用户，或给用户换密码"),
    ("user add", "添加一个用户；密码从标准输入读"),
    ("user add.login", "登录名"),
    ("user add.role", "角色：owner 老板、manager 销售经理、representative 业务员、service 客户成功、marketing 市场、data 数据管理员，或自建的角色"),
    ("user add.name", "姓名；不写则同登录名"),
    ("user add.no_password", "不设密码：没有人能以这个用户登录，只供程序用令牌"),
    ("user list", "列出用户"),
    ("user password", "给用户换密码；新密码从标准输入读"),
    ("user password.login", "登录名"),
    ("token", "给程序用的令牌：新建、列出、作废"),
    ("token create", "新建令牌并打印；之后不再显示"),
    ("token create.name", "做什么用"),
    ("token create.scope", "限于什么：read、write、export、admin，或只对一种数据，如 customer:read；可以写几次"),
    ("token create.expires_on", "到哪一天为止"),
    ("token create.user", "哪个用户的；只有一个用户时可以不写"),
    ("token list", "列出一个用户的令牌，不含秘密"),
    ("token list.user", "哪个用户的；只有一个用户时可以不写"),
    ("token delete", "作废一个令牌"),
    ("token delete.id", "列表里的编号"),
    ("token delete.user", "哪个用户的；只有一个用户时可以不写"),
];

fn chinese(command: &str, argument: Option<&str>) -> Option<&'static str> {
    let find = |key: &str| HELP.iter().find(|(k, _)| *k == key).map(|(_, zh)| *zh);
    match argument {
        // Every group of commands has its `help`.
        None if command.ends_with(" help") => find("help"),
        None => find(command),
        Some(name) => find(&format!("{command}.{name}")).or_else(|| find(&format!("keji.{name}"))),
    }
}

/// What the call asks for; where it asks for help, or is wrong, that is said
/// and the exit code is given.
pub fn parse<T: CommandFactory + FromArgMatches>(language: Language) -> Result<T, ExitCode> {
    let mut command = T::command();
    if language == Language::Zh {
        // First, so that the arguments that clap adds have their words too.
        command.build();
        command = in_chinese("", command);
    }
    let found = command
        .try_get_matches()
        .and_then(|mut matches| T::from_arg_matches_mut(&mut matches));
    found.map_err(|problem| match (problem.kind(), language) {
        (kind, Language::Zh) if !is_help(kind) => {
            eprintln!("keji: {}", problem_in_chinese(&problem));
            ExitCode::from(NEEDS_YOU)
        }
        _ => {
            let _ = problem.print();
            ExitCode::from(u8::try_from(problem.exit_code()).unwrap_or(NEEDS_YOU))
        }
    })
}

fn is_help(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    )
}

/// As in [`HELP`]: with the group that a command belongs to.
fn full_name(above: &str, command: &Command) -> String {
    match above {
        "" | "keji" => command.get_name().to_owned(),
        above => format!("{above} {}", command.get_name()),
    }
}

/// `above` is the name of the command that it belongs to.
fn in_chinese(above: &str, command: Command) -> Command {
    let name = full_name(above, &command);
    let mut command = command
        .mut_args(|arg| argument_in_chinese(&name, arg))
        .mut_subcommands(|below| in_chinese(&name, below));
    if let Some(about) = chinese(&name, None) {
        command = command.about(about).long_about(None::<&str>);
    }
    let usage = command.render_usage().to_string();
    let usage = usage
        .trim_start_matches("Usage:")
        .trim()
        .replace("[OPTIONS]", "[选项]")
        .replace("<COMMAND>", "<命令>")
        .replace("[COMMAND]", "[命令]");
    command
        .override_usage(usage)
        .subcommand_help_heading("命令")
        .help_template("{about-with-newline}\n用法：{usage}\n\n{all-args}")
}

fn argument_in_chinese(command: &str, arg: Arg) -> Arg {
    let Some(help) = chinese(command, Some(arg.get_id().as_str())) else {
        return arg;
    };
    let mut help = help.to_owned();
    let values = arg.get_possible_values();
    let values: Vec<&str> = values.iter().map(|v| v.get_name()).collect();
    if arg.get_action().takes_values() && !values.is_empty() {
        help += &format!("（可选 {}）", values.join("、"));
    }
    let defaults = arg.get_default_values();
    if let Some(default) = defaults.first().filter(|_| arg.get_action().takes_values()) {
        help += &format!("（默认 {}）", default.to_string_lossy());
    }
    if let Some(variable) = arg.get_env() {
        help += &format!("（环境变量 {}）", variable.to_string_lossy());
    }
    let heading = match arg.is_positional() {
        true => "参数",
        false => "选项",
    };
    arg.help(help)
        .long_help(None::<&str>)
        .help_heading(heading)
        .hide_possible_values(true)
        .hide_default_value(true)
        .hide_env(true)
}

fn problem_in_chinese(problem: &clap::Error) -> String {
    let said = |kind: ContextKind| match problem.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(all)) => all.join("、"),
        Some(ContextValue::StyledStrs(all)) => {
            let all: Vec<String> = all.iter().map(ToString::to_string).collect();
            all.join("、")
        }
        _ => String::new(),
    };
    let argument = said(ContextKind::InvalidArg);
    let value = said(ContextKind::InvalidValue);
    let meant = |text: String, start: &str| match text.is_empty() {
        true => String::new(),
        false => format!("；{start} {text}"),
    };
    let what = match problem.kind() {
        ErrorKind::UnknownArgument => {
            let near = said(ContextKind::SuggestedArg);
            format!("没有 {argument} 这个选项或参数{}", meant(near, "是不是"))
        }
        ErrorKind::InvalidSubcommand => {
            let near = said(ContextKind::SuggestedSubcommand);
            let name = said(ContextKind::InvalidSubcommand);
            format!("没有命令 {name}{}", meant(near, "是不是"))
        }
        ErrorKind::MissingSubcommand => "缺少命令".to_owned(),
        ErrorKind::MissingRequiredArgument => format!("缺少 {argument}"),
        ErrorKind::InvalidValue | ErrorKind::NoEquals if value.is_empty() => {
            format!("{argument} 后面要有值")
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let valid = said(ContextKind::ValidValue);
            format!("{argument} 不能是 `{value}`{}", meant(valid, "可选"))
        }
        ErrorKind::ArgumentConflict => match said(ContextKind::PriorArg) {
            prior if prior.is_empty() || prior == argument => format!("{argument} 只能写一次"),
            prior => format!("{argument} 不能和 {prior} 一起用"),
        },
        ErrorKind::TooManyValues | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("{argument} 的值个数不对")
        }
        ErrorKind::InvalidUtf8 => "参数不是 UTF-8".to_owned(),
        _ => "参数不对".to_owned(),
    };
    format!("{what}。用 --help 查看用法")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Cli;
    use super::*;

    /// Every name that people see, with its English.
    fn all(above: &str, command: &Command, into: &mut Vec<(String, String)>) {
        let name = full_name(above, command);
        let text = |help: Option<&clap::builder::StyledStr>| {
            help.map(ToString::to_string).unwrap_or_default()
        };
        into.push((name.clone(), text(command.get_about())));
        for arg in command.get_arguments().filter(|a| !a.is_hide_set()) {
            into.push((format!("{name}.{}", arg.get_id()), text(arg.get_help())));
        }
        for sub in command.get_subcommands().filter(|c| !c.is_hide_set()) {
            all(&name, sub, into);
        }
    }

    #[test]
    fn every_command_and_argument_has_both_languages() {
        let mut names = Vec::new();
        all("", &Cli::command(), &mut names);
        assert!(names.len() > 40, "{names:?}");
        for (name, english) in &names {
            assert!(!english.is_empty(), "{name} has no English");
            let zh = HELP.iter().find(|(key, _)| key == name).map(|(_, zh)| *zh);
            assert!(zh.is_some_and(|zh| !zh.is_ascii()), "{name} has no Chinese");
        }
        let names: BTreeSet<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
        let of_clap = ["keji.help", "keji.version", "help"];
        for (key, _) in HELP {
            assert!(
                names.contains(key) || of_clap.contains(key),
                "{key} is nothing"
            );
        }
    }

    #[test]
    fn help_is_in_chinese_throughout() {
        let mut command = Cli::command();
        command.build();
        let mut command = in_chinese("", command);
        let names: Vec<String> = command
            .get_subcommands()
            .filter(|c| !c.is_hide_set())
            .map(|c| c.get_name().to_owned())
            .collect();
        let mut pages = vec![command.render_long_help().to_string()];
        for name in names {
            let sub = command.find_subcommand_mut(&name).unwrap();
            pages.push(sub.render_long_help().to_string());
        }
        for page in pages {
            for english in [
                "Usage",
                "Options",
                "Commands",
                "Arguments",
                "Print",
                "default:",
                "env:",
                "possible",
            ] {
                assert!(!page.contains(english), "{english} in\n{page}");
            }
        }
    }

    #[test]
    fn a_wrong_call_is_told_in_chinese() {
        for (call, told) in [
            (
                vec!["keji", "ask", "--frum"],
                "没有 --frum 这个选项或参数；是不是 --from。用 --help 查看用法",
            ),
            (
                vec!["keji", "asc"],
                "没有命令 asc；是不是 ask。用 --help 查看用法",
            ),
            (
                vec!["keji", "ask"],
                "缺少 <METRIC,…>...。用 --help 查看用法",
            ),
            (
                vec!["keji", "ask", "orders", "--limit", "x"],
                "--limit <LIMIT> 不能是 `x`。用 --help 查看用法",
            ),
            (
                vec!["keji", "import", "a.csv", "--mode", "x"],
                "--mode <MODE> 不能是 `x`；可选 add、update、replace。用 --help 查看用法",
            ),
            (
                vec!["keji", "ask", "orders", "--rows", "--explain"],
                "--rows 不能和 --explain 一起用。用 --help 查看用法",
            ),
        ] {
            let problem = Cli::command().try_get_matches_from(call).unwrap_err();
            assert_eq!(problem_in_chinese(&problem), told);
        }
    }
}
