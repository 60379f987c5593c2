//! A file's bytes become UTF-8 text, as a stream: unpacked where they are
//! gzip, decoded whatever their encoding, in constant memory.
//!
//! Knows nothing of rows; [`records`](super::records) names the places.

use std::io::{BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs::{Decoder, DecoderResult, Encoding, GB18030, UTF_8};
use flate2::bufread::MultiGzDecoder;

use super::error::{ImportError, Result};
use super::sniff;

/// What a file may cost. The defaults let every ordinary export pass.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Of one row, unquoted.
    pub record_bytes: usize,
    pub columns: usize,
    /// Of the whole file after unpacking.
    pub total_bytes: u64,
    /// Unpacked over packed bytes; deflate cannot do more than 1,032.
    pub ratio: u64,
    /// Byte sequences outside the encoding that are replaced and reported
    /// before the file is refused.
    pub invalid_sequences: u64,
    /// Rows whose content is looked at before the columns are mapped.
    pub sample_rows: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            record_bytes: 1 << 20,
            columns: 1024,
            total_bytes: 64 << 30,
            ratio: 1000,
            invalid_sequences: 100,
            sample_rows: 500,
        }
    }
}

/// A file to read: its name as people know it, and its bytes.
pub struct Input {
    pub name: String,
    pub read: Box<dyn Read + Send>,
    /// Bytes of the file itself that have been used up, for progress.
    pub consumed: Arc<AtomicU64>,
    /// The rows of a workbook as its parser writes them: UTF-8, commas, and
    /// `consumed` counted there.
    pub(super) is_workbook: bool,
}

impl Input {
    pub fn new(name: impl Into<String>, read: impl Read + Send + 'static) -> Self {
        Input {
            name: name.into(),
            read: Box::new(read),
            consumed: Arc::default(),
            is_workbook: false,
        }
    }
}

/// Output below this size is never called a bomb.
const RATIO_FLOOR: u64 = 1 << 20;
const CHUNK: usize = 64 << 10;

/// Buffers the packed bytes and counts those that were used.
struct Counted {
    read: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    at: usize,
    end: usize,
    used: u64,
    shared: Option<Arc<AtomicU64>>,
}

impl Read for Counted {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let available = self.fill_buf()?;
        let n = available.len().min(out.len());
        out[..n].copy_from_slice(&available[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Counted {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.at == self.end {
            self.at = 0;
            self.end = loop {
                match self.read.read(&mut self.buffer) {
                    Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                    other => break other?,
                }
            };
        }
        Ok(&self.buffer[self.at..self.end])
    }

    fn consume(&mut self, n: usize) {
        self.at += n;
        self.used += n as u64;
        if let Some(shared) = &self.shared {
            shared.store(self.used, Ordering::Relaxed);
        }
    }
}

enum Unpack {
    Plain(Counted),
    Gzip(Box<MultiGzDecoder<Counted>>),
}

/// The unpacked bytes.
struct Unpacked {
    file: String,
    unpack: Unpack,
    produced: u64,
    total_limit: u64,
    ratio_limit: u64,
    /// A fault that came after bytes which are still good.
    failed: Option<ImportError>,
}

impl Unpacked {
    fn open(input: Input, limits: &Limits) -> Result<Self> {
        let mut counted = Counted {
            read: input.read,
            buffer: vec![0; CHUNK],
            at: 0,
            end: 0,
            used: 0,
            shared: (!input.is_workbook).then_some(input.consumed),
        };
        let is_gzip = {
            let head = counted
                .fill_buf()
                .map_err(|e| from_io(e, &input.name).or_row(1))?;
            head.starts_with(&[0x1f, 0x8b])
        };
        let unpack = match is_gzip {
            true => Unpack::Gzip(Box::new(MultiGzDecoder::new(counted))),
            false => Unpack::Plain(counted),
        };
        Ok(Unpacked {
            file: input.name,
            unpack,
            produced: 0,
            total_limit: limits.total_bytes,
            ratio_limit: limits.ratio,
            failed: None,
        })
    }

    /// Fills as much of `out` as there is; less only at the end or before a
    /// fault, which the next call returns.
    fn read_full(&mut self, out: &mut [u8]) -> Result<usize> {
        if let Some(fault) = self.failed.take() {
            return Err(fault);
        }
        let mut n = 0;
        while n < out.len() {
            match self.read_some(&mut out[n..]) {
                Ok(0) => break,
                Ok(more) => n += more,
                Err(fault) if n == 0 => return Err(fault),
                Err(fault) => {
                    self.failed = Some(fault);
                    break;
                }
            }
        }
        Ok(n)
    }

    fn read_some(&mut self, out: &mut [u8]) -> Result<usize> {
        let n = loop {
            let read = match &mut self.unpack {
                Unpack::Plain(plain) => plain.read(out),
                Unpack::Gzip(gzip) => gzip.read(out),
            };
            match read {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.fault(e)),
                Ok(n) => break n,
            }
        };
        self.produced += n as u64;
        if self.produced > self.total_limit {
            return Err(ImportError::FileTooLarge {
                file: self.file.clone(),
                limit: self.total_limit,
            });
        }
        if let Unpack::Gzip(gzip) = &self.unpack
            && self.produced > RATIO_FLOOR
            && self.produced / self.ratio_limit > gzip.get_ref().used
        {
            return Err(ImportError::CompressionRatio {
                file: self.file.clone(),
                limit: self.ratio_limit,
            });
        }
        Ok(n)
    }

    fn fault(&self, error: std::io::Error) -> ImportError {
        use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        let file = self.file.clone();
        match (&self.unpack, error.kind()) {
            (Unpack::Gzip(_), UnexpectedEof) => ImportError::TruncatedGzip { file, row: 0 },
            (Unpack::Gzip(_), InvalidData | InvalidInput) => {
                ImportError::CorruptGzip { file, row: 0 }
            }
            _ => from_io(error, &file),
        }
    }
}

/// A reader below may carry an [`ImportError`] of its own in its I/O error.
fn from_io(error: std::io::Error, file: &str) -> ImportError {
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<ImportError>())
    {
        Some(own) => own.clone(),
        None => ImportError::ReadFailed {
            file: file.to_owned(),
            reason: error.to_string(),
        },
    }
}

enum Decoding {
    /// Only ASCII so far: the first other byte decides between UTF-8 and
    /// GB18030. An export may have its first Chinese name after a gigabyte.
    Ascii,
    As(&'static Encoding, Box<Decoder>),
}

/// The decoded text of a file.
pub(super) struct Text {
    unpacked: Unpacked,
    decoding: Decoding,
    /// Unpacked bytes that are not decoded yet.
    pending: Vec<u8>,
    ended: bool,
    /// Byte sequences replaced by U+FFFD so far.
    pub n_invalid: u64,
    /// NUL characters in the decoded text so far.
    pub n_nul: u64,
}

impl Text {
    /// Looks at the first bytes: refuses what is no text and finds the
    /// encoding, unless `given` names one.
    pub fn open(input: Input, limits: &Limits, given: Option<&str>) -> Result<Text> {
        let given = if input.is_workbook {
            Some("UTF-8")
        } else {
            given
        };
        let mut unpacked = Unpacked::open(input, limits)?;
        let file = unpacked.file.clone();
        let mut head = vec![0; CHUNK];
        let n = unpacked.read_full(&mut head).map_err(|e| e.or_row(1))?;
        head.truncate(n);
        if head.is_empty() {
            return Err(ImportError::EmptyFile { file });
        }
        let asked = match given.filter(|label| !label.is_empty()) {
            None => None,
            Some(label) => Some(Encoding::for_label(label.as_bytes()).ok_or_else(|| {
                ImportError::UnknownEncoding {
                    file: file.clone(),
                    encoding: label.to_owned(),
                }
            })?),
        };
        // What ends badly within its first piece is refused before anything
        // else is said about it.
        if let Some(fault) = unpacked.failed.take() {
            let row = memchr::memchr_iter(b'\n', &head).count() as u64 + 1;
            return Err(fault.or_row(row));
        }
        let binary = |kind: &str| ImportError::BinaryFile {
            file: file.clone(),
            kind: kind.to_owned(),
        };
        let found = sniff::encoding(&head);
        let bom = found.as_ref().map_or(0, |found| found.bom);
        if bom == 0
            && let Some(kind) = sniff::magic(&head)
        {
            return Err(binary(kind));
        }
        let encoding = match (asked, found) {
            (None, None) => return Err(binary("data")),
            (None, Some(found)) => found.encoding,
            (Some(_), Some(found)) if found.bom > 0 => found.encoding,
            // UTF-8 over plain ASCII is what a mapping says that was made from
            // such a head: what follows may still turn out otherwise.
            (Some(asked), Some(sniff::Found { encoding: None, .. })) if asked == UTF_8 => None,
            (Some(asked), _) => Some(asked),
        };
        head.drain(..bom);
        if head.is_empty() {
            return Err(ImportError::EmptyFile { file });
        }
        Ok(Text {
            unpacked,
            decoding: match encoding {
                None => Decoding::Ascii,
                Some(encoding) => decode_as(encoding),
            },
            pending: head,
            ended: false,
            n_invalid: 0,
            n_nul: 0,
        })
    }

    pub fn file(&self) -> &str {
        &self.unpacked.file
    }

    pub fn encoding(&self) -> &'static str {
        match &self.decoding {
            Decoding::Ascii => UTF_8.name(),
            Decoding::As(encoding, _) => encoding.name(),
        }
    }

    /// Appends the next piece of text to `out`; 0 at the end. The piece is
    /// valid UTF-8 on its own.
    pub fn more(&mut self, out: &mut Vec<u8>) -> Result<usize> {
        let before = out.len();
        while out.len() == before && !self.ended {
            if self.pending.is_empty() {
                self.refill(CHUNK)?;
            }
            self.decode(out)?;
        }
        self.n_nul += memchr::memchr_iter(0, &out[before..]).count() as u64;
        Ok(out.len() - before)
    }

    fn refill(&mut self, wanted: usize) -> Result<usize> {
        let before = self.pending.len();
        self.pending.resize(before + wanted, 0);
        let read = self.unpacked.read_full(&mut self.pending[before..]);
        self.pending.truncate(before + *read.as_ref().unwrap_or(&0));
        read
    }

    fn decode(&mut self, out: &mut Vec<u8>) -> Result<()> {
        if let Decoding::Ascii = self.decoding {
            let n_ascii = Encoding::ascii_valid_up_to(&self.pending);
            out.extend_from_slice(&self.pending[..n_ascii]);
            self.pending.drain(..n_ascii);
            if self.pending.is_empty() {
                self.ended = n_ascii == 0;
                return Ok(());
            }
            self.refill(CHUNK)?;
            self.decoding = decode_as(sniff::utf8_or_gb18030(&self.pending));
        }
        let Decoding::As(_, decoder) = &mut self.decoding else {
            return Ok(());
        };
        let last = self.pending.is_empty();
        let mut at = 0;
        loop {
            let start = out.len();
            let room = decoder
                .max_utf8_buffer_length_without_replacement(self.pending.len() - at)
                .unwrap_or(4 * CHUNK);
            out.resize(start + room, 0);
            let (result, read, written) = decoder.decode_to_utf8_without_replacement(
                &self.pending[at..],
                &mut out[start..],
                last,
            );
            out.truncate(start + written);
            at += read;
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(_, _) => {
                    out.extend_from_slice("\u{fffd}".as_bytes());
                    self.n_invalid += 1;
                }
            }
        }
        self.pending.clear();
        self.ended = last;
        Ok(())
    }
}

fn decode_as(encoding: &'static Encoding) -> Decoding {
    let encoding = if encoding == encoding_rs::GBK {
        GB18030
    } else {
        encoding
    };
    Decoding::As(
        encoding,
        Box::new(encoding.new_decoder_without_bom_handling()),
    )
}
