//! The texts of import: of files that cannot be read, of rows that are turned
//! away, of mappings that somebody has to look at, and of what is odd, in both
//! languages. One
//! code, one line; `{name}` is replaced by the argument of that name.

use serde_json::{Map, Value};

use crate::messages::Language;

type Line = (&'static str, &'static str, &'static str);

#[rustfmt::skip]
const FILE: &[Line] = &[
    ("empty_file", "文件 {file} 是空的。", "{file} is empty."),
    ("binary_file", "文件 {file} 不是表格文本（{kind}）。请导出为 CSV 或 XLSX。", "{file} is not a text table ({kind}). Export it as CSV or XLSX."),
    ("no_header", "文件 {file} 从第 {row} 行起没有表头。请在数据上方加一行列名。", "{file} has no heading row at row {row}. Put a row of column names above the data."),
    ("no_rows", "文件 {file} 只有表头（第 {row} 行），下面没有数据。", "{file} has headings in row {row} and no data below them."),
    ("duplicate_heading", "文件 {file} 第 {row} 行的列名“{column}”出现两次：{first} 列和 {second} 列。请改掉其中一个。", "{file}, row {row}: the heading \"{column}\" stands twice, in columns {first} and {second}. Rename one of them."),
    ("too_few_columns", "文件 {file} 第 {row} 行只有 {found} 列，看不出分隔符。", "{file}, row {row}: only {found} column; no delimiter can be recognised."),
    ("too_many_columns", "文件 {file} 第 {row} 行超过 {limit} 列。", "{file}, row {row}: more than {limit} columns."),
    ("nul_byte", "文件 {file} 第 {row} 行“{column}”列里有空字节（NUL），文件可能已损坏。", "{file}, row {row}, column {column}: there is a NUL byte; the file may be damaged."),
    ("record_too_long", "文件 {file} 第 {row} 行超过 {limit} 字节，可能有引号没有闭合。", "{file}, row {row} is longer than {limit} bytes; perhaps a quote is not closed."),
    ("invalid_bytes", "文件 {file} 里有 {found} 处字节不符合编码 {encoding}，第一处在第 {row} 行“{column}”列。", "{file} has {found} byte sequences that are not {encoding}, the first in row {row}, column {column}."),
    ("unknown_encoding", "不认识编码 {encoding}（文件 {file}）。", "{file}: the encoding {encoding} is not known."),
    ("compression_ratio", "文件 {file} 解压后膨胀超过 {limit} 倍，已停止读取。", "{file} unpacks to more than {limit} times its size; reading was stopped."),
    ("file_too_large", "文件 {file} 解压后超过 {limit} 字节。", "{file} unpacks to more than {limit} bytes."),
    ("truncated_gzip", "压缩文件 {file} 不完整，到第 {row} 行中断。请重新上传。", "{file} is incomplete: the compressed data ends at row {row}. Upload it again."),
    ("corrupt_gzip", "压缩文件 {file} 在第 {row} 行处已损坏。", "{file}: the compressed data is damaged at row {row}."),
    ("mapping_heading", "文件 {file} 没有列“{column}”，但列对应里写了它。", "{file} has no column \"{column}\", which the mapping names."),
    ("mapping_field", "列对应里“{column}”列的字段 {field} 不存在（文件 {file}）。", "{file}: the mapping gives column \"{column}\" the field {field}, which there is not."),
    ("mapping_twice", "字段 {field} 同时对应了“{first}”和“{second}”两列（文件 {file}）。", "{file}: the field {field} is mapped from two columns, \"{first}\" and \"{second}\"."),
    ("mapping_incomplete", "文件 {file} 的列对应还缺少：{missing}。需要下单时间、（数量和单价）或金额、客户或订单编号。", "{file}: the mapping lacks {missing}. It needs a date, quantity and price or an amount, and a customer or an order number."),
    ("mapping_required", "文件 {file} 的列对应缺少必填字段 {field}。", "{file}: the mapping has no column for the required field {field}."),
    ("mapping_sheet", "工作簿 {file} 没有含数据的可见工作表“{sheet}”，但列对应里写了它。", "{file} has no visible sheet \"{sheet}\" with data, which the mapping names."),
    ("mapping_format", "列对应里“{column}”列的格式 {format} 不认识（文件 {file}）；日期可用 ymd、dmy、mdy、yymd、dmyy、mdyy、month、serial、serial1904，数字可用 decimal_point、decimal_comma。", "{file}: the mapping gives column \"{column}\" the format {format}; known are ymd, dmy, mdy, yymd, dmyy, mdyy, month, serial and serial1904 for dates, decimal_point and decimal_comma for numbers."),
    ("mapping_unreadable", "列对应文件 {file} 第 {row} 行读不懂：{reason}", "the mapping file {file} cannot be read at line {row}: {reason}"),
    ("date_order_unknown", "文件 {file} 的“{column}”列分不清年、月、日的先后。请在列对应里写明 dmy 或 mdy；年份只有两位时写 yymd、dmyy 或 mdyy。", "{file}: in column \"{column}\" the order of day, month and year is open. Say dmy or mdy in the mapping; yymd, dmyy or mdyy where years have two digits."),
    ("workbook_unreadable", "工作簿 {file} 无法读取：{reason}", "the workbook {file} cannot be read: {reason}"),
    ("workbook_empty", "工作簿 {file} 没有含数据的可见工作表。", "the workbook {file} has no visible sheet with data."),
    ("workbook_cell", "工作簿 {file} 第 {row} 行 {column} 列有内容，超出了 {max_rows} 行 × {max_columns} 列的范围。请删去表格以外的单元格。", "the workbook {file} has a cell at row {row}, column {column}, outside {max_rows} rows by {max_columns} columns. Delete cells outside the table."),
    ("workbook_cells", "工作簿 {file} 到第 {row} 行 {column} 列已超过 {limit} 个单元格。请导出为 CSV。", "the workbook {file} passes {limit} cells at row {row}, column {column}. Export it as CSV."),
    ("workbook_part", "工作簿 {file} 的部件 {part} 解压后有 {bytes} 字节（{ratio} 倍），不予读取。", "the part {part} of the workbook {file} unpacks to {bytes} bytes ({ratio} times); it is not read."),
    ("workbook_limit", "解析工作簿 {file} 超出了内存或时间限制（约在第 {row} 行）。请导出为 CSV。", "parsing the workbook {file} passed its limit of memory or time (about row {row}). Export it as CSV."),
    ("read_failed", "读取文件 {file} 失败：{reason}", "reading {file} failed: {reason}"),
    ("cancelled", "文件 {file} 的导入已取消。", "the import of {file} was cancelled."),
];

#[rustfmt::skip]
const ROW: &[Line] = &[
    ("too_few_cells", "只有 {found} 个单元格，应为 {wanted} 个", "{found} cells where there should be {wanted}"),
    ("too_many_cells", "有 {found} 个单元格，应为 {wanted} 个", "{found} cells where there should be {wanted}"),
    ("open_quote", "引号没有闭合，吞并了 {lines} 行", "a quote is not closed and took in {lines} lines"),
    ("empty_value", "没有填写", "there is no value"),
    ("no_party", "既没有客户也没有订单编号", "there is neither a customer nor an order number"),
    ("not_a_number", "“{value}”不是数字", "\"{value}\" is not a number"),
    ("percent", "“{value}”是百分比，这里要数额", "\"{value}\" is a percentage; an amount is needed"),
    ("number_too_large", "“{value}”超出了范围", "\"{value}\" is out of range"),
    ("not_a_date", "“{value}”不是日期", "\"{value}\" is not a date"),
    ("not_a_choice", "“{value}”不在可选值中", "\"{value}\" is none of the options"),
    ("not_an_option", "“{value}”不在可选值中：{options}", "\"{value}\" is none of the options: {options}"),
    ("not_whole", "“{value}”不是整数", "\"{value}\" is not a whole number"),
    ("not_yes_or_no", "“{value}”不是“是”或“否”", "\"{value}\" is neither yes nor no"),
    ("not_a_share", "“{value}”大于 1：请写成 13% 或 0.13", "\"{value}\" is above 1: write 13% or 0.13"),
    ("no_such_record", "没有{object_zh}“{value}”，或者它不属于这一行的客户", "there is no {object_en} \"{value}\", or it belongs to another one than this row"),
    ("several_records", "{object_zh}“{value}”不止一个：请写编号", "there are several {object_en} records \"{value}\": write the number"),
    ("nobodys", "这一行没有说是哪个客户或哪个业务员的；您只能导入属于自己范围的记录", "the row does not say whose it is: you may import records within your own reach only"),
    ("not_yours", "编号“{value}”属于一条你看不到的记录", "the number \"{value}\" belongs to a record that you may not see"),
    ("rule", "{zh}", "{en}"),
    ("invalid_bytes", "编号里有无法解码的字节", "there are bytes in the number that cannot be decoded"),
    ("identity_lost_digits", "编号“{value}”被表格软件写成了科学计数，末尾的数字已丢失；请从原系统重新导出，或把该列设为文本", "the number \"{value}\" was shortened by a spreadsheet and its last digits are lost; export it again with the column as text"),
];

#[rustfmt::skip]
const MAPPING: &[Line] = &[
    ("heading", "列名吻合", "the heading is known"),
    ("heading_part", "列名部分吻合", "part of the heading is known"),
    ("content", "按内容判断", "by its content"),
    ("content_product", "等于数量×单价", "it is quantity × price"),
    ("content_differs", "列名吻合，但内容不像", "the heading is known, but the content does not look like it"),
    ("second_choice", "已有更合适的列", "another column fits better"),
    ("unknown", "不认识的列", "the column is not known"),
    ("not_writable", "您的角色不能写这一列的字段，不导入", "your role may not write the field of this column; it is not imported"),
    ("derived", "由程序算出，不导入", "worked out here; it is not imported"),
    ("given", "由人指定", "given by somebody"),
    ("missing_required", "没有找到这个必填字段的列", "there is no column for this required field"),
    ("missing_date", "没有找到下单时间", "there is no column of order dates"),
    ("missing_amount", "没有找到金额，也没有数量和单价", "there is no amount, nor quantity and price"),
    ("missing_party", "没有找到客户，也没有订单编号", "there is no customer and no order number"),
    ("ambiguous", "有几列都可能是这个字段", "several columns could be this field"),
    ("low_confidence", "这个字段的列不够确定", "the column of this field is not sure enough"),
    ("date_order", "分不清日和月的先后", "day and month cannot be told apart"),
    ("date_order_mixed", "日和月的先后在文件里不一致", "the order of day and month changes within the file"),
    ("amount_differs", "金额与数量×单价不一致", "the amount is not quantity × price"),
    ("reject_column", "退回文件附加的列，不导入", "a column that the file of rejected rows adds; it is not imported"),
    ("fill_down", "这些列的空单元格可能表示“同上”（合并单元格导出后的样子），请确认", "empty cells of these columns seem to mean the value above, as merged cells do when they are exported"),
    ("hidden_column", "这些列在表格里是隐藏的", "these columns are hidden in the sheet"),
    ("sheet_left_out", "这个工作表没有读取", "this sheet is not read"),
    ("sheet_differs", "这个工作表也像订单，但表头不同，没有读取", "this sheet looks like orders too, but has other headings; it is not read"),
    ("two_digit_year", "年份只有两位，年、月、日的先后要确认", "years have two digits; the order of year, month and day has to be confirmed"),
    ("month_only", "日期只有年月，将按当月第一天导入", "dates have no day; the first of the month is taken"),
    ("year_from_title", "日期没有年份，按标题或工作表名里的年份导入", "dates have no year; that of the title or the sheet's name is taken"),
];

#[rustfmt::skip]
const ODDITY: &[Line] = &[
    ("duplicate_looking_customers", "有 {count} 组客户名称写法不同但可能是同一家：{samples}", "{count} groups of customer names may be one customer each: {samples}"),
    ("totals_differ", "有 {count} 行合计与上面各行之和不一致（第 {row} 行）：{samples}", "{count} totals differ from the sum of the rows above (row {row}): {samples}"),
    ("amount_differs", "有 {count} 行的金额不等于数量×单价，按金额导入（第 {row} 行起）：{samples}", "{count} amounts are not quantity × price; the amounts were taken (from row {row}): {samples}"),
    ("invalid_bytes", "有 {count} 处字节无法解码，已用替代字符（第 {row} 行“{column}”列起）", "{count} byte sequences could not be decoded and were replaced (from row {row}, column {column})"),
    ("phone_lost_digits", "有 {count} 个电话被写成科学计数而丢失了数字，没有导入（第 {row} 行起）：{samples}", "{count} phone numbers lost digits to scientific notation and were left empty (from row {row}): {samples}"),
    ("product_lost_digits", "有 {count} 个产品编号被写成科学计数而丢失了数字，改用产品名称（第 {row} 行起）：{samples}", "{count} product numbers lost digits to scientific notation; the product's name was taken (from row {row}): {samples}"),
    ("hidden_column", "有 {count} 列在表格里是隐藏的：{samples}", "{count} columns are hidden in the sheet: {samples}"),
    ("sheet_left_out", "有 {count} 个工作表没有读取：{samples}", "{count} sheets were not read: {samples}"),
    ("currency_mix", "有 {count} 种币种，金额没有换算：{samples}", "there are {count} currencies; amounts were not converted: {samples}"),
    ("gaps_in_dates", "首尾之间有 {count} 个月没有任何数据：{samples}", "{count} months between the first and the last have no rows: {samples}"),
    ("outlier_amounts", "有 {count} 行金额超过中位数的 50 倍，在第 {samples} 行", "{count} amounts are more than 50 times the median, in rows {samples}"),
    ("future_dates", "有 {count} 行的日期在明天以后（第 {row} 行起）：{samples}", "{count} dates lie beyond tomorrow (from row {row}): {samples}"),
    ("duplicate_rows", "有 {count} 行与前面的行完全相同，已保留（第 {row} 行起）：{samples}", "{count} rows are the same as an earlier one and were kept (from row {row}): {samples}"),
    ("repeated_numbers", "有 {count} 行的编号在文件前面已经出现，以先出现的为准", "{count} rows repeat the number of an earlier row, which counts"),
    ("columns_not_writable", "有 {count} 列没有导入，因为导入者的角色不能写它们的字段：{samples}", "{count} columns were not imported, because the importer's role may not write their fields: {samples}"),
    ("columns_second_choice", "有 {count} 列没有导入，因为它们的字段已由更合适的列给出：{samples}", "{count} columns were not imported, because another column brings their field: {samples}"),
    ("columns_unknown", "有 {count} 列没有导入，因为没有这样的字段：{samples}", "{count} columns were not imported, because there is no such field: {samples}"),
    ("negative_prices", "有 {count} 行单价是负数（第 {row} 行起）：{samples}", "{count} prices are negative (from row {row}): {samples}"),
];

pub fn file_text(code: &str, language: Language) -> &'static str {
    pick(FILE, code, language)
}

/// Why a row was turned away.
pub fn row_text(code: &str, language: Language) -> &'static str {
    pick(ROW, code, language)
}

/// Why a column got its field, or why somebody has to look at the mapping.
pub fn mapping_text(code: &str, language: Language) -> &'static str {
    pick(MAPPING, code, language)
}

/// What is odd in a file, for the report of an import.
pub fn oddity_text(code: &str, language: Language) -> &'static str {
    pick(ODDITY, code, language)
}

fn pick(lines: &[Line], code: &str, language: Language) -> &'static str {
    match (lines.iter().find(|line| line.0 == code), language) {
        (Some(line), Language::Zh) => line.1,
        (Some(line), Language::En) => line.2,
        (None, Language::Zh) => "未知的问题",
        (None, Language::En) => "unknown problem",
    }
}

/// Puts the arguments into the text.
pub fn fill(text: &str, args: &Map<String, Value>) -> String {
    let mut filled = text.to_owned();
    for (name, value) in args {
        let shown = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        filled = filled.replace(&format!("{{{name}}}"), &shown);
    }
    filled
}
