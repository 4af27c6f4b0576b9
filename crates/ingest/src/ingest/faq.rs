//! FAQs in rows: spreadsheets, separated values, JSON. Column names are recognised in Chinese and English.

mod columns;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use columns::scope_of;
pub use columns::{Column, ColumnMapping, MappingFault};

use super::front_matter::read_time;
use super::grid::Grid;
use super::writer::one_line;
use super::{IngestError, Parsed, make_faq};
use ken_base::domain::{
    Document, DocumentId, DocumentKind, DocumentStatus, FaqAnswer, Metadata, Source, checked_uri,
};
use ken_text::text;

/// One FAQ as read from a row, not yet stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FaqRow {
    /// The row of the sheet or line of the file, from 1, including the header.
    pub row: usize,
    /// The given id; `None` derives it from the question.
    pub id: Option<String>,
    /// The question.
    pub question: String,
    /// Other wordings of the question.
    pub variants: Vec<String>,
    /// Questions that this FAQ does not answer.
    pub negatives: Vec<String>,
    /// The answers.
    pub answers: Vec<FaqAnswer>,
    /// All other fields.
    pub metadata: Metadata,
}

/// What is wrong with a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CellFaultCode {
    /// The question or the answer is empty.
    MissingValue,
    /// A JSON object has a field of an unknown name.
    UnknownField,
    /// A JSON value is no object.
    NotAnObject,
    /// The id has characters or a length that ids do not have.
    InvalidId,
    /// Another row has the same id.
    DuplicateId,
    /// `valid_until` is not after `valid_from`.
    ValidityOrder,
    /// A date or time is expected.
    InvalidTime,
    /// A whole number is expected.
    InvalidNumber,
    /// A status is expected.
    InvalidStatus,
    /// An address of a web page, mail or telephone is expected.
    InvalidAddress,
    /// Another value that does not suit its field.
    InvalidValue,
}

/// A cell that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellFault {
    /// The row, from 1, including the header.
    pub row: usize,
    /// The column's name in the file.
    pub column: String,
    /// What is wrong with the cell.
    pub code: CellFaultCode,
    /// The same in a sentence, with the cell's value.
    pub detail: String,
}

/// The content of a file of FAQs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FaqFile {
    /// The rows without a fault.
    pub rows: Vec<FaqRow>,
    /// The faults.
    pub faults: Vec<CellFault>,
    /// The columns of the file, in order.
    pub columns: Vec<Column>,
    /// The row with the columns' names, from 1; `None` if there is none, as in JSON.
    pub header_row: Option<usize>,
    /// Whether the file is a table, whose columns have letters.
    pub is_table: bool,
    /// Whether there is a column for the question, and in a table also one for the answer. Otherwise there are no rows.
    pub recognised: bool,
}

impl FaqFile {
    /// Returns the names of the ignored columns.
    pub fn ignored_columns(&self) -> Vec<String> {
        let ignored = self.columns.iter().filter(|column| column.field.is_none());
        let names = ignored.map(|column| column.header.clone());
        names.filter(|name| !name.is_empty()).collect()
    }
}

/// How a file of FAQs is read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FaqOptions {
    /// Fields of columns that override the recognition.
    pub mapping: ColumnMapping,
    /// Whether a file without recognised columns is returned with its columns and without rows, so that a person can map
    /// them. Otherwise it is an error.
    pub unrecognised: bool,
}

/// The meaning of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Id,
    Question,
    Answer,
    Variants,
    Negatives,
    Tags,
    Audience,
    Channels,
    Language,
    Uri,
    ValidFrom,
    ValidUntil,
    ReviewBy,
    Status,
    Related,
    Parent,
    Rank,
}

impl Field {
    /// What is wrong with a value that does not suit the field.
    fn fault_code(self) -> CellFaultCode {
        match self {
            Field::ValidFrom | Field::ValidUntil | Field::ReviewBy => CellFaultCode::InvalidTime,
            Field::Rank => CellFaultCode::InvalidNumber,
            Field::Status => CellFaultCode::InvalidStatus,
            Field::Uri => CellFaultCode::InvalidAddress,
            _ => CellFaultCode::InvalidValue,
        }
    }

    /// All fields, in the order of an export.
    const ALL: [Field; 17] = [
        Field::Id,
        Field::Question,
        Field::Answer,
        Field::Variants,
        Field::Negatives,
        Field::Tags,
        Field::Audience,
        Field::Channels,
        Field::Language,
        Field::Uri,
        Field::ValidFrom,
        Field::ValidUntil,
        Field::ReviewBy,
        Field::Status,
        Field::Related,
        Field::Parent,
        Field::Rank,
    ];

    /// Returns the name under which the field is exported.
    fn name(self) -> &'static str {
        match self {
            Field::Id => "id",
            Field::Question => "question",
            Field::Answer => "answer",
            Field::Variants => "variants",
            Field::Negatives => "negatives",
            Field::Tags => "tags",
            Field::Audience => "audience",
            Field::Channels => "channels",
            Field::Language => "language",
            Field::Uri => "uri",
            Field::ValidFrom => "valid_from",
            Field::ValidUntil => "valid_until",
            Field::ReviewBy => "review_by",
            Field::Status => "status",
            Field::Related => "related",
            Field::Parent => "parent",
            Field::Rank => "rank",
        }
    }

    /// Returns the field of a column's name, folded: width, case, script and text in brackets do not matter.
    fn of(name: &str) -> Option<Field> {
        let name = text::fold(
            name.split(['(', '（', '[', ':', '：'])
                .next()
                .unwrap_or(name),
        );
        let name: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
        Some(match name.as_str() {
            "id" | "编号" | "faqid" | "代号" => Field::Id,
            "question" | "questions" | "q" | "问题" | "标准问题" | "标准问" | "提问" | "问句"
            | "题目" | "问" => Field::Question,
            "answer" | "answers" | "a" | "答案" | "回答" | "回复" | "标准答案" | "解答"
            | "答复" | "答" | "回覆" | "内容" => Field::Answer,
            "variants" | "variant" | "相似问题" | "相似问" | "相似问法" | "其他问法"
            | "同义问题" | "同义问法" | "扩展问" | "扩展问题" | "similarquestions"
            | "alternatives" | "aliases" | "问法" => Field::Variants,
            "negatives" | "negative" | "排除问题" | "非此问题" | "反例" | "排除问法"
            | "notthisquestion" => Field::Negatives,
            "tags" | "tag" | "标签" | "分类" | "类别" | "category" | "categories" | "主题"
            | "类型" => Field::Tags,
            "audience" | "对象" | "受众" | "适用对象" | "客群" | "会员等级" => {
                Field::Audience
            }
            "channels" | "channel" | "渠道" | "管道" | "通路" | "频道" => Field::Channels,
            "language" | "lang" | "语言" | "语系" | "语种" => Field::Language,
            "uri" | "url" | "link" | "链接" | "连结" | "网址" | "来源" => Field::Uri,
            "validfrom" | "start" | "startdate" | "生效日" | "生效日期" | "生效时间"
            | "开始日期" | "开始时间" | "上架时间" | "上架日期" => Field::ValidFrom,
            "validuntil" | "end" | "enddate" | "expires" | "失效日" | "失效日期" | "到期日"
            | "截止日" | "截止日期" | "结束日期" | "结束时间" | "下架时间" | "下架日期" => {
                Field::ValidUntil
            }
            "reviewby" | "复审日" | "复审日期" | "检视日期" | "复查日期" => {
                Field::ReviewBy
            }
            "status" | "状态" => Field::Status,
            "related" | "relatedquestions" | "相关问题" | "关联问题" | "推荐问题" => {
                Field::Related
            }
            "parent" | "上层问题" | "父问题" | "followupof" | "前一题" => Field::Parent,
            "rank" | "priority" | "优先级" | "优先顺序" | "权重" => Field::Rank,
            _ => return None,
        })
    }
}

/// Returns the indexes of the question and the answer column by their names; `None` also if there is a column that no
/// FAQ has.
pub fn columns_of(header: &[&str]) -> Option<(usize, usize)> {
    let fields: Vec<Option<Field>> = header.iter().map(|name| Field::of(name)).collect();
    let at = |field| fields.iter().position(|found| *found == Some(field));
    // A column of row numbers can have many names.
    let is_known = |(name, field): (&&str, &Option<Field>)| {
        field.is_some() || name.trim().is_empty() || is_row_number(name)
    };
    let all = header.iter().zip(&fields).all(is_known);
    let (question, answer) = (at(Field::Question)?, at(Field::Answer)?);
    all.then_some((question, answer))
}

fn is_row_number(name: &str) -> bool {
    let name = text::fold(name);
    matches!(
        name.trim(),
        "#" | "no" | "no." | "项次" | "序号" | "项目" | "序"
    )
}

/// How many rows may precede the column names, for titles and remarks.
const MAX_TITLE_ROWS: usize = 10;

/// Reads a table's rows as FAQs. Returns `None` if none of the first rows names a question and an answer column.
pub fn of_grid(grid: &Grid) -> Option<FaqFile> {
    of_mapped_grid(grid, &ColumnMapping::default())
}

/// Like [`of_grid`], with fields of columns that override the recognition.
pub fn of_mapped_grid(grid: &Grid, mapping: &ColumnMapping) -> Option<FaqFile> {
    let fields_of = |row: &[String]| mapping.fields(row.iter().map(String::as_str));
    let is_header = |row: &Vec<String>| {
        mapping.unfit(row.iter().map(String::as_str)).is_none() && is_faq(&fields_of(row))
    };
    let mut first = grid.rows.iter().take(MAX_TITLE_ROWS);
    let at = first.position(is_header)?;
    let header = &grid.rows[at];
    let fields = fields_of(header);
    let mut file = FaqFile {
        columns: columns(header, &fields, &grid.rows[at + 1..]),
        header_row: grid.numbered().nth(at).map(|(number, _)| number),
        is_table: true,
        recognised: true,
        ..FaqFile::default()
    };
    for (row, cells) in grid.numbered().skip(at + 1) {
        let named = header.iter().zip(&fields).zip(cells);
        let cells = named
            .filter(|(_, cell)| !cell.trim().is_empty())
            .filter_map(|((name, field), cell)| {
                let value = Value::String(cell.clone());
                Some((name.as_str(), field.as_deref()?, value))
            });
        take(&mut file, row, cells.collect());
    }
    Some(file)
}

/// Returns the columns of a table without recognised ones, and no rows: those of the first row that has the mapped
/// columns, and several cells.
pub fn unrecognised(grid: &Grid, mapping: &ColumnMapping) -> Option<FaqFile> {
    let n_cells = |row: &Vec<String>| row.iter().filter(|cell| !cell.trim().is_empty()).count();
    let is_mapped = |row: &Vec<String>| mapping.unfit(row.iter().map(String::as_str)).is_none();
    let position = |is_header: &dyn Fn(&Vec<String>) -> bool| {
        let mut first = grid.rows.iter().take(MAX_TITLE_ROWS);
        first.position(|row| n_cells(row) > 1 && is_header(row))
    };
    let at = position(&is_mapped).or_else(|| position(&|_| true))?;
    let header = &grid.rows[at];
    let fields = mapping.fields(header.iter().map(String::as_str));
    Some(FaqFile {
        columns: columns(header, &fields, &grid.rows[at + 1..]),
        is_table: true,
        ..FaqFile::default()
    })
}

/// Returns the columns of a table with samples from its rows.
fn columns(header: &[String], fields: &[Option<String>], rows: &[Vec<String>]) -> Vec<Column> {
    let named = (1..).zip(header.iter().zip(fields));
    let column = |(position, (name, field)): (usize, (&String, &Option<String>))| {
        let mut column = Column::new(position, name, field.clone());
        let cells = rows.iter().filter_map(|row| row.get(position - 1));
        cells.for_each(|cell| column.sample(cell));
        column
    };
    named.map(column).collect()
}

/// Reads JSON objects as FAQs. Returns `None` if the first has no question field.
pub fn of_values(values: &[(usize, Value)]) -> Option<FaqFile> {
    of_mapped_values(values, &ColumnMapping::default())
}

/// Like [`of_values`], with fields that override the recognition.
pub fn of_mapped_values(values: &[(usize, Value)], mapping: &ColumnMapping) -> Option<FaqFile> {
    let first = values.first()?.1.as_object()?;
    let fields_of = |names: &Map<String, Value>| mapping.fields(names.keys().map(String::as_str));
    let asks = first.keys().zip(fields_of(first));
    let is_question = |field: &Option<String>| field.as_deref() == Some(Field::Question.name());
    // A document of another kind has a title.
    let mut asks = asks.filter(|(name, _)| mapping.names(name) || *name != "title");
    if !asks.any(|(_, field)| is_question(&field)) {
        return None;
    }
    let mut file = FaqFile {
        columns: json_columns(values, mapping),
        recognised: true,
        ..FaqFile::default()
    };
    for (row, value) in values {
        match value {
            Value::Object(fields) => {
                let fields_of_row = fields_of(fields);
                let named = fields.iter().zip(&fields_of_row);
                let mut cells = Vec::new();
                for ((name, value), field) in named {
                    match field {
                        Some(field) if !value.is_null() => {
                            cells.push((name.as_str(), field.as_str(), value.clone()));
                        }
                        None if !mapping.names(name) && !name.trim().is_empty() => {
                            let detail = format!("unknown field {name:?}");
                            let column = name.clone();
                            let row = *row;
                            file.faults.push(CellFault {
                                row,
                                column,
                                code: CellFaultCode::UnknownField,
                                detail,
                            });
                        }
                        _ => {}
                    }
                }
                take(&mut file, *row, cells);
            }
            other => file.faults.push(CellFault {
                row: *row,
                column: String::new(),
                code: CellFaultCode::NotAnObject,
                detail: format!("expected an object, found {other}"),
            }),
        }
    }
    Some(file)
}

/// Returns the fields of JSON objects as columns, by the first object that has them, then by name.
pub fn json_columns(values: &[(usize, Value)], mapping: &ColumnMapping) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for (name, value) in values
        .iter()
        .filter_map(|(_, row)| row.as_object())
        .flatten()
    {
        let known = columns
            .iter()
            .position(|column| column.header == name.trim());
        let at = known.unwrap_or_else(|| {
            let field = mapping.fields([name.as_str()].into_iter()).remove(0);
            columns.push(Column::new(columns.len() + 1, name, field));
            columns.len() - 1
        });
        match value {
            Value::Null => {}
            Value::String(text) => columns[at].sample(text),
            other => columns[at].sample(&other.to_string()),
        }
    }
    columns
}

fn is_faq(fields: &[Option<String>]) -> bool {
    let has = |field: Field| {
        let mut named = fields.iter().flatten();
        named.any(|name| Field::of(name) == Some(field))
    };
    has(Field::Question) && has(Field::Answer)
}

/// Reads one row: each cell with its column's name and field. A row with a fault is added to the faults only.
fn take(file: &mut FaqFile, row: usize, cells: Vec<(&str, &str, Value)>) {
    let mut faq = FaqRow {
        row,
        ..FaqRow::default()
    };
    faq.metadata.kind = DocumentKind::Faq;
    let n_faults = file.faults.len();
    for (name, field, value) in cells {
        let Some(meaning) = Field::of(field) else {
            continue;
        };
        if let Err(detail) = put(&mut faq, meaning, field, &value) {
            file.faults.push(CellFault {
                row,
                column: name.to_owned(),
                code: meaning.fault_code(),
                detail,
            });
        }
    }
    let missing = |column: &str| CellFault {
        row,
        column: column.to_owned(),
        code: CellFaultCode::MissingValue,
        detail: "expected a value, found none".to_owned(),
    };
    if faq.question.is_empty() {
        file.faults.push(missing("question"));
    }
    if faq.answers.is_empty() {
        file.faults.push(missing("answer"));
    }
    if let (Some(from), Some(until)) = (faq.metadata.valid_from, faq.metadata.valid_until)
        && from >= until
    {
        file.faults.push(CellFault {
            row,
            column: "valid_until".to_owned(),
            code: CellFaultCode::ValidityOrder,
            detail: format!("expected a time after valid_from ({from}), found {until}"),
        });
    }
    if let Some(Err(error)) = faq.id.as_deref().map(DocumentId::parse) {
        file.faults.push(CellFault {
            row,
            column: "id".to_owned(),
            code: CellFaultCode::InvalidId,
            detail: error.to_string(),
        });
    }
    if file.faults.len() == n_faults {
        file.rows.push(faq);
    }
}

fn put(faq: &mut FaqRow, field: Field, name: &str, value: &Value) -> Result<(), String> {
    let metadata = &mut faq.metadata;
    match field {
        Field::Id => faq.id = Some(word(value)?),
        // Taken whole: other wordings have a column of their own.
        Field::Question => faq.question = one_line(&word(value)?),
        Field::Answer => answers(faq, name, value)?,
        Field::Variants => faq.variants.extend(lines(value)?),
        Field::Negatives => faq.negatives.extend(lines(value)?),
        Field::Tags => metadata.tags.extend(words(value)?),
        Field::Audience => metadata.audience.extend(words(value)?),
        Field::Channels => metadata.channels.extend(words(value)?),
        Field::Language => metadata.language = Some(word(value)?),
        Field::Uri => {
            let uri = word(value)?;
            checked_uri(&uri)?;
            metadata.uri = Some(uri);
        }
        Field::ValidFrom => metadata.valid_from = Some(time(value)?),
        Field::ValidUntil => metadata.valid_until = Some(time(value)?),
        Field::ReviewBy => metadata.review_by = Some(time(value)?),
        Field::Status => metadata.status = status(&word(value)?)?,
        Field::Related => metadata.related.extend(words(value)?),
        Field::Parent => metadata.parent = Some(word(value)?),
        Field::Rank => {
            let text = word(value)?;
            metadata.rank = text
                .parse()
                .map_err(|_| format!("expected a whole number, found {text:?}"))?;
        }
    }
    Ok(())
}

/// Reads an answer for everyone, an answer for some if the column says so
/// (`answer[channel=line,audience=vip,language=en]`, `答案（LINE）`), or a JSON list of both kinds.
fn answers(faq: &mut FaqRow, name: &str, value: &Value) -> Result<(), String> {
    if let Value::String(cell) = value
        && cell.starts_with("[{")
        && let Ok(list @ Value::Array(_)) = serde_json::from_str(cell)
    {
        return answers(faq, name, &list);
    }
    if let Value::Array(items) = value {
        for item in items {
            let answer: FaqAnswer = match item {
                Value::String(text) => FaqAnswer {
                    text: text.clone(),
                    ..FaqAnswer::default()
                },
                other => serde_json::from_value(other.clone()).map_err(|e| e.to_string())?,
            };
            push_answer(faq, answer);
        }
        return Ok(());
    }
    let mut answer = FaqAnswer {
        text: word(value)?,
        ..FaqAnswer::default()
    };
    let inside = scope_of(name);
    for part in inside
        .split([',', '，'])
        .map(str::trim)
        .filter(|p| !p.is_empty())
    {
        match part.split_once('=') {
            Some(("audience", who)) => answer.audience.push(who.trim().to_owned()),
            Some(("language", tag)) => answer.language = Some(tag.trim().to_owned()),
            Some(("channel", channel)) => answer.channels.push(channel.trim().to_owned()),
            Some((other, _)) => {
                return Err(format!(
                    "expected channel=, audience= or language=, found {other:?}"
                ));
            }
            None => answer.channels.push(part.to_lowercase()),
        }
    }
    push_answer(faq, answer);
    Ok(())
}

fn push_answer(faq: &mut FaqRow, answer: FaqAnswer) {
    if !answer.text.trim().is_empty() {
        let text = answer.text.trim().to_owned();
        faq.answers.push(FaqAnswer { text, ..answer });
    }
}

fn word(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.trim().to_owned()),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(format!("expected a string, found {other}")),
    }
}

/// Splits several wordings in one cell at line breaks, `|` and `;`.
fn lines(value: &Value) -> Result<Vec<String>, String> {
    split(value, &['\n', '|', '｜', ';', '；'])
}

/// Splits several words in one cell, also at commas.
fn words(value: &Value) -> Result<Vec<String>, String> {
    split(value, &['\n', '|', '｜', ';', '；', ',', '，', '、'])
}

/// Splits a cell at separators. If the values contain separators themselves, the cell is a JSON list.
fn split(value: &Value, separators: &[char]) -> Result<Vec<String>, String> {
    if let Value::String(cell) = value
        && cell.starts_with("[\"")
        && let Ok(list) = serde_json::from_str::<Vec<String>>(cell)
    {
        return Ok(list);
    }
    let trimmed = |text: &str| text.trim().to_owned();
    let parts: Vec<String> = match value {
        Value::Array(items) => items.iter().map(word).collect::<Result<_, _>>()?,
        other => word(other)?.split(separators).map(trimmed).collect(),
    };
    Ok(parts.into_iter().filter(|part| !part.is_empty()).collect())
}

fn time(value: &Value) -> Result<Timestamp, String> {
    read_time(&word(value)?)
}

fn status(text: &str) -> Result<DocumentStatus, String> {
    match text::fold(text).as_str() {
        "published" | "发布" | "已发布" | "上架" | "启用" | "生效" | "公开" => {
            Ok(DocumentStatus::Published)
        }
        "draft" | "草稿" | "未发布" | "待审" => Ok(DocumentStatus::Draft),
        "archived" | "封存" | "下架" | "停用" | "归档" | "已归档" => {
            Ok(DocumentStatus::Archived)
        }
        _ => Err(format!(
            "expected draft, published or archived (草稿, 發布, 封存), found {text:?}"
        )),
    }
}

impl FaqRow {
    /// Returns the given id, or one derived from the question, so that the same question is the same FAQ.
    ///
    /// # Errors
    /// [`IngestError::Id`] if the given id is invalid.
    pub fn id(&self) -> Result<DocumentId, IngestError> {
        let id = match &self.id {
            Some(id) => id.clone(),
            None => {
                let key = text::sha256_hex([question_key(&self.question).as_bytes()]);
                format!("faq-{}", &key[..12])
            }
        };
        Ok(DocumentId::parse(&id)?)
    }

    /// Returns a stored FAQ as a row for export.
    pub fn of_document(document: &Document) -> Self {
        let mut questions = document.metadata.questions.iter().cloned();
        let metadata = Metadata {
            questions: Vec::new(),
            negatives: Vec::new(),
            title: String::new(),
            ..document.metadata.clone()
        };
        Self {
            row: 0,
            id: Some(document.id.to_string()),
            question: questions.next().unwrap_or_default(),
            variants: questions.collect(),
            negatives: document.metadata.negatives.clone(),
            answers: document.answers(),
            metadata,
        }
    }

    /// Returns the non-empty fields by the names under which they are read.
    pub fn fields(&self) -> Map<String, Value> {
        let about = &self.metadata;
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| {
            let says_nothing = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            if !says_nothing {
                fields.insert(name.to_owned(), value);
            }
        };
        put("id", serde_json::json!(self.id));
        put("question", serde_json::json!(self.question));
        match self.answers.as_slice() {
            [only]
                if FaqAnswer {
                    text: String::new(),
                    ..only.clone()
                } == FaqAnswer::default() =>
            {
                put("answer", serde_json::json!(only.text))
            }
            answers => put("answers", serde_json::json!(answers)),
        }
        put("variants", serde_json::json!(self.variants));
        put("negatives", serde_json::json!(self.negatives));
        put("tags", serde_json::json!(about.tags));
        put("audience", serde_json::json!(about.audience));
        put("channels", serde_json::json!(about.channels));
        put("language", serde_json::json!(about.language));
        put("uri", serde_json::json!(about.uri));
        put("valid_from", serde_json::json!(about.valid_from));
        put("valid_until", serde_json::json!(about.valid_until));
        put("review_by", serde_json::json!(about.review_by));
        put("status", serde_json::json!(about.status));
        put("related", serde_json::json!(about.related));
        put("parent", serde_json::json!(about.parent));
        if about.rank != 0 {
            put("rank", serde_json::json!(about.rank));
        }
        fields
    }

    /// Takes the fields that a sheet has no column for from the stored FAQ, so that a sheet of questions and answers
    /// deletes nothing else. `columns` are those of the sheet.
    pub fn keep_unnamed(&mut self, columns: &[Column], stored: &Metadata) {
        let is_named = |field: &str| columns.iter().any(|c| c.field.as_deref() == Some(field));
        let about = &mut self.metadata;
        macro_rules! keep {
            ($($field:ident),+) => {
                $(if !is_named(stringify!($field)) {
                    about.$field.clone_from(&stored.$field);
                })+
            };
        }
        keep!(
            tags,
            audience,
            channels,
            language,
            uri,
            valid_from,
            valid_until,
            review_by,
            status,
            related,
            parent,
            rank
        );
        if !is_named("variants") {
            self.variants = stored.questions.iter().skip(1).cloned().collect();
        }
        if !is_named("negatives") {
            self.negatives.clone_from(&stored.negatives);
        }
    }

    /// Puts the row's answers in the place of a stored FAQ's. The FAQ keeps its id, its question, its wordings and the
    /// fields that the sheet has no column for; the row's wordings are added to them.
    pub fn replace_answers(&mut self, columns: &[Column], stored: &Document) {
        self.keep_unnamed(columns, &stored.metadata);
        self.id = Some(stored.id.to_string());
        let own = std::iter::once(std::mem::take(&mut self.question));
        let own = own.chain(std::mem::take(&mut self.variants));
        let mut seen = std::collections::HashSet::new();
        let questions = stored.metadata.questions.iter().cloned().chain(own);
        let mut questions = questions.filter(|question| seen.insert(question_key(question)));
        self.question = questions.next().unwrap_or_default();
        self.variants = questions.collect();
    }

    /// Returns the FAQ as a document.
    ///
    /// # Errors
    /// [`IngestError`] if the id is invalid or a text is too long.
    pub fn into_source(self) -> Result<Source, IngestError> {
        let id = self.id()?;
        let metadata = Metadata {
            kind: DocumentKind::Faq,
            title: self.question.clone(),
            questions: [self.question].into_iter().chain(self.variants).collect(),
            negatives: self.negatives,
            ..self.metadata
        };
        make_faq(id, metadata, &self.answers)
    }
}

/// Returns a key that wordings of the same question share: script, width, case, spaces and punctuation do not count.
pub fn question_key(question: &str) -> String {
    text::fold(question)
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect()
}

/// Returns the rows without a fault as documents, and the reason for each of the others.
///
/// # Errors
/// The first fault, if every row has one.
pub fn into_good_sources(name: &str, mut file: FaqFile) -> Result<Parsed, IngestError> {
    if file.rows.is_empty() {
        return into_sources(file).map(|sources| Parsed {
            sources,
            failed: Vec::new(),
        });
    }
    let faults = std::mem::take(&mut file.faults);
    let why = |fault: CellFault| {
        (
            format!("{name}, row {}", fault.row),
            format!("{}: {}", fault.column, fault.detail),
        )
    };
    Ok(Parsed {
        sources: into_sources(file)?,
        failed: faults.into_iter().map(why).collect(),
    })
}

/// Returns all rows as documents, or an error with the first fault.
pub fn into_sources(file: FaqFile) -> Result<Vec<Source>, IngestError> {
    if let Some(fault) = file.faults.first() {
        let more = file.faults.len() - 1;
        let tail = if more > 0 {
            format!(" (and {more} more errors)")
        } else {
            String::new()
        };
        return Err(IngestError::Line {
            line: fault.row,
            detail: format!("{}: {}{tail}", fault.column, fault.detail),
        });
    }
    let mut seen = std::collections::HashMap::new();
    let mut sources = Vec::with_capacity(file.rows.len());
    for faq in file.rows {
        let row = faq.row;
        let at_row = |detail: String| IngestError::Line { line: row, detail };
        let source = faq.into_source().map_err(|e| at_row(e.to_string()))?;
        if let Some(before) = seen.insert(source.id.clone(), row) {
            return Err(at_row(format!(
                "duplicate id {:?}, also in row {before}",
                source.id.as_str()
            )));
        }
        sources.push(source);
    }
    match sources.is_empty() {
        true => Err(IngestError::Empty),
        false => Ok(sources),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::json;

    #[test]
    fn faq_row_without_answer_is_reported_and_rest_imported() {
        let grid = grid(&[
            &["常見問題一覽"],
            &["問題", "答案"],
            &["能改地址嗎", "出貨前可以。"],
            &["製表：客服"],
        ]);
        let parsed = into_good_sources("f.xlsx", of_grid(&grid).unwrap()).unwrap();
        assert_eq!(parsed.sources.len(), 1);
        assert_eq!(parsed.failed[0].0, "f.xlsx, row 4");
    }

    fn parse_lines(raw: &str) -> Result<Vec<Source>, IngestError> {
        let values = json::read(raw, true)?;
        into_sources(of_values(&values).expect("it is of FAQs"))
    }

    #[test]
    fn faq_line_yields_chunk_with_answer_only() {
        let found = parse_lines(
            r#"{"id":"f1","question":"可以退貨嗎？","variants":["想退"],"answer":"七天內可以。","tags":["退貨"]}"#,
        )
        .unwrap();
        let faq = &found[0];
        assert_eq!(faq.text, "可以退貨嗎？\n\n七天內可以。");
        assert_eq!(faq.metadata.questions, ["可以退貨嗎？", "想退"]);
        assert_eq!(faq.chunks[0].span.slice(&faq.text).unwrap(), "七天內可以。");
    }

    #[test]
    fn faq_line_errors_name_the_line() {
        for (text, line) in [
            ("\n{", 2),
            (r#"{"id":"a","question":"q","answer":"a","colour":1}"#, 1),
            (r#"{"id":"a","question":"q","answer":" "}"#, 1),
            (
                "{\"id\":\"a\",\"question\":\"q\",\"answer\":\"a\"}\n{\"id\":\"a\",\"question\":\"q\",\"answer\":\"a\"}",
                2,
            ),
        ] {
            match parse_lines(text) {
                Err(IngestError::Line { line: found, .. }) => assert_eq!(found, line, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert!(matches!(parse_lines("\n\n"), Err(IngestError::Empty)));
    }

    fn grid(rows: &[&[&str]]) -> Grid {
        let mut grid = Grid::default();
        for row in rows {
            grid.push(row.iter().map(|c| (*c).to_owned()).collect())
                .unwrap();
        }
        grid
    }

    #[test]
    fn faq_columns_are_recognised_in_chinese_and_english() {
        let file = of_grid(&grid(&[
            &[
                "編號",
                "標準問題",
                "相似問法",
                "答案",
                "答案（LINE）",
                "標籤",
                "狀態",
                "截止日期",
                "備註",
            ],
            &[
                "f1",
                "可以退貨嗎？",
                "想退\n怎麼退｜退錢",
                "七天內可以。",
                "可以喔",
                "退貨、運費",
                "發布",
                "2026/12/31",
                "x",
            ],
        ]))
        .unwrap();
        assert_eq!(file.faults, []);
        assert_eq!(file.ignored_columns(), ["備註"]);
        let faq = &file.rows[0];
        assert_eq!(faq.variants, ["想退", "怎麼退", "退錢"]);
        assert_eq!(faq.metadata.tags, ["退貨", "運費"]);
        assert_eq!(faq.answers[1].channels, ["line"]);
        assert_eq!(
            faq.metadata.valid_until.unwrap().to_string(),
            "2026-12-31T00:00:00Z"
        );
        assert_eq!(of_grid(&grid(&[&["品名", "價格"], &["a", "1"]])), None);
    }

    #[test]
    fn mapped_columns_are_read_whatever_their_names() {
        let grid = grid(&[
            &["客服手冊", ""],
            &["顧客說", "我們說", "answer", "tags"],
            &["能退貨嗎", "七天內可以。", "old", "x"],
            &["能換貨嗎", "可以。", "", "y"],
        ]);
        let mapping = serde_json::json!({ "顧客說": "question", "我們說": "answer", "tags": null });
        let mapping = ColumnMapping::of_value(&mapping).unwrap();
        assert_eq!(of_grid(&grid), None);
        let file = of_mapped_grid(&grid, &mapping).unwrap();
        assert_eq!((file.header_row, file.faults.len()), (Some(2), 0));
        assert_eq!(file.rows[0].answers[0].text, "七天內可以。");
        assert_eq!(file.rows[0].metadata.tags, [] as [&str; 0]);
        let columns = file.columns.iter();
        let columns: Vec<_> = columns
            .map(|c| (c.letters(), c.field.as_deref(), c.samples.len()))
            .collect();
        let expected = [
            ("A", Some("question"), 2),
            ("B", Some("answer"), 2),
            ("C", None, 1),
            ("D", None, 2),
        ];
        assert_eq!(columns, expected.map(|(l, f, n)| (l.to_owned(), f, n)));
        // Without the mapping a person sees the first row with several cells.
        let unknown = unrecognised(&grid, &ColumnMapping::default()).unwrap();
        assert!(!unknown.recognised && unknown.rows.is_empty());
        assert_eq!(unknown.columns[0].header, "顧客說");
        assert_eq!(unknown.columns[2].field.as_deref(), Some("answer"));
    }

    #[test]
    fn mapped_json_fields_are_read() {
        let values = json::read(r#"[{"ask":"q","say":"a","note":1},{"ask":"r"}]"#, false).unwrap();
        let mapping = serde_json::json!({ "ask": "question", "say": "answer", "note": null });
        let mapping = ColumnMapping::of_value(&mapping).unwrap();
        assert_eq!(of_values(&values), None);
        let file = of_mapped_values(&values, &mapping).unwrap();
        assert_eq!((file.rows.len(), file.faults.len()), (1, 1));
        let note = file.columns.iter().find(|c| c.header == "note").unwrap();
        assert_eq!(note.samples, ["1"]);
    }

    #[test]
    fn invalid_faq_cells_are_reported_and_rest_parsed() {
        let file = of_grid(&grid(&[
            &["question", "answer", "status", "valid_until"],
            &["q1", "", "", ""],
            &["q2", "a2", "maybe", "soon"],
            &["q3", "a3", "", ""],
        ]))
        .unwrap();
        let faults: Vec<(usize, &str)> = file
            .faults
            .iter()
            .map(|f| (f.row, f.column.as_str()))
            .collect();
        assert_eq!(faults, [(2, "answer"), (3, "status"), (3, "valid_until")]);
        assert_eq!(file.rows.len(), 1);
    }

    #[test]
    fn question_key_ignores_script_width_and_punctuation() {
        assert_eq!(question_key("可以退貨嗎？"), question_key("可以退货吗 ?"));
        assert_eq!(question_key("ＶＩＰ 退貨"), question_key("vip退貨。"));
    }
}
