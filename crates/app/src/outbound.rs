//! The one way out: every request that the product sends to an address which
//! somebody typed in goes through [`Outbound::send`].
//!
//! A name is resolved once, every address that it has is looked at, and the
//! connection goes to exactly one of those addresses: what a name means cannot
//! change between the check and the connection. Addresses that are not of the
//! public internet are refused, unless the operator has named the host and the
//! port. Redirects are answers like any other and never followed.

mod address;

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};
use url::{Host, Url};

pub use address::is_public;

/// Longer ones are nobody's address.
const MAX_URL_BYTES: usize = 2_000;

const MAX_HEAD_BYTES: usize = 64 * 1024;

type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// What a name means: the system's resolver, or one of a test.
pub type Resolve = Arc<dyn Fn(String, u16) -> Addresses + Send + Sync>;

/// Cheap to clone.
#[derive(Clone)]
pub struct Outbound {
    allowed: Arc<BTreeSet<Allowed>>,
    resolve: Resolve,
    tls: Arc<OnceLock<Arc<ClientConfig>>>,
}

/// `HOST:PORT` to which requests may go although its address is not public.
/// The host is compared as it is written in the request's address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Allowed {
    host: String,
    port: u16,
}

/// One request. The whole of it, from the name's resolution to the last byte
/// of the answer, takes at most `timeout`.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: &'static str,
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub timeout: Duration,
    /// An answer whose body is longer is an error.
    pub max_answer_bytes: usize,
}

impl Request {
    /// A `GET` with 10 seconds and 1 MB.
    pub fn get(url: impl Into<String>) -> Request {
        Request {
            method: "GET",
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: Duration::from_secs(10),
            max_answer_bytes: 1 << 20,
        }
    }

    /// A `POST` with 10 seconds and 1 MB.
    pub fn post(url: impl Into<String>, body: impl Into<Vec<u8>>) -> Request {
        Request {
            method: "POST",
            body: body.into(),
            ..Request::get(url)
        }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Request {
        self.headers.push((name, value.into()));
        self
    }
}

/// What came back, whatever its status says.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of that name (small letters).
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        all.find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// Why there is no answer. The texts never say what listens on a refused
/// address: nothing was sent there.
#[derive(Debug, Error)]
pub enum OutboundError {
    #[error("not an http or https address: {0}")]
    Url(&'static str),
    #[error("a header or the method cannot be sent")]
    Header,
    #[error("{host} leads to {address}, which is not an address of the public internet")]
    Refused { host: String, address: IpAddr },
    #[error("the name {0} has no address")]
    NoAddress(String),
    #[error("no connection: {0}")]
    Connect(io::Error),
    #[error("no secure connection: {0}")]
    Tls(io::Error),
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    #[error("the connection broke: {0}")]
    Broken(String),
}

impl OutboundError {
    /// Stable, for logs and for the page.
    pub fn code(&self) -> &'static str {
        match self {
            OutboundError::Url(_) | OutboundError::Header => "url",
            OutboundError::Refused { .. } => "refused_address",
            OutboundError::NoAddress(_) => "no_address",
            OutboundError::Connect(_) => "no_connection",
            OutboundError::Tls(_) => "no_secure_connection",
            OutboundError::Timeout(_) => "timeout",
            OutboundError::TooLong(_) => "answer_too_long",
            OutboundError::Broken(_) => "broken_connection",
        }
    }

    /// The same in Chinese; [`fmt::Display`] is English.
    pub fn zh(&self) -> String {
        match self {
            OutboundError::Url(_) => "不是可用的 http 或 https 地址".to_owned(),
            OutboundError::Header => "请求头不能这样发送".to_owned(),
            OutboundError::Refused { host, address } => {
                format!("{host} 指向 {address}，不是公网地址")
            }
            OutboundError::NoAddress(host) => format!("名称 {host} 没有地址"),
            OutboundError::Connect(_) => "连接不上".to_owned(),
            OutboundError::Tls(_) => "建立不了安全连接（证书不受信任，或对方不支持）".to_owned(),
            OutboundError::Timeout(after) => format!("{} 秒内没有应答", after.as_secs()),
            OutboundError::TooLong(max) => format!("应答超过 {max} 字节"),
            OutboundError::Broken(_) => "连接中断".to_owned(),
        }
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound")
            .field("allowed", &self.allowed)
            .finish_non_exhaustive()
    }
}

impl Default for Outbound {
    fn default() -> Outbound {
        Outbound::new([])
    }
}

impl Outbound {
    pub fn new(allowed: impl IntoIterator<Item = Allowed>) -> Outbound {
        let resolve = |host: String, port: u16| -> Addresses {
            Box::pin(async move {
                let found = tokio::net::lookup_host((host, port)).await?;
                Ok(found.collect())
            })
        };
        Outbound::with_resolver(allowed, Arc::new(resolve))
    }

    /// With names that mean what the test says.
    pub fn with_resolver(allowed: impl IntoIterator<Item = Allowed>, resolve: Resolve) -> Outbound {
        Outbound {
            allowed: Arc::new(allowed.into_iter().collect()),
            resolve,
            tls: Arc::default(),
        }
    }

    /// Sends one request and reads its answer.
    pub async fn send(&self, request: Request) -> Result<Answer, OutboundError> {
        let timeout = request.timeout;
        match tokio::time::timeout(timeout, self.exchange(request)).await {
            Ok(result) => result,
            Err(_) => Err(OutboundError::Timeout(timeout)),
        }
    }

    async fn exchange(&self, request: Request) -> Result<Answer, OutboundError> {
        let url = parsed(&request.url)?;
        let addresses = self.addresses(&url).await?;
        let stream = connected(&addresses).await?;
        if url.scheme() == "http" {
            return converse(stream, &url, request).await;
        }
        let broken = |problem: &str| OutboundError::Tls(io::Error::other(problem.to_owned()));
        let name = match url.host() {
            Some(Host::Domain(name)) => ServerName::try_from(name.trim_end_matches('.').to_owned())
                .map_err(|_| OutboundError::Url("its host is no name"))?,
            Some(Host::Ipv4(ip)) => ServerName::from(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => ServerName::from(IpAddr::V6(ip)),
            None => return Err(OutboundError::Url("it has no host")),
        };
        let tls = TlsConnector::from(self.tls(broken)?);
        let stream = tls.connect(name, stream).await;
        converse(stream.map_err(OutboundError::Tls)?, &url, request).await
    }

    /// Where the request may go: all addresses of its host, or an error when
    /// one of them is not public.
    async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, OutboundError> {
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(OutboundError::Url("it has no host or port"));
        };
        let name = host.to_string();
        let found = match host {
            Host::Ipv4(ip) => vec![SocketAddr::from((ip, port))],
            Host::Ipv6(ip) => vec![SocketAddr::from((ip, port))],
            Host::Domain(domain) => (self.resolve)(domain.to_owned(), port)
                .await
                .map_err(|_| OutboundError::NoAddress(name.clone()))?,
        };
        if found.is_empty() {
            return Err(OutboundError::NoAddress(name));
        }
        let entry = Allowed { host: name, port };
        let private = found.iter().find(|address| !is_public(address.ip()));
        match private {
            Some(address) if !self.allowed.contains(&entry) => Err(OutboundError::Refused {
                host: entry.host,
                address: address.ip(),
            }),
            _ => Ok(found),
        }
    }

    /// Made at the first secure request: reading the system's certificates
    /// takes some milliseconds.
    fn tls(
        &self,
        broken: impl Fn(&str) -> OutboundError,
    ) -> Result<Arc<ClientConfig>, OutboundError> {
        if let Some(made) = self.tls.get() {
            return Ok(made.clone());
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(broken(
                "this machine has no certificates to trust; SSL_CERT_FILE names a file of them",
            ));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|problem| broken(&problem.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(self.tls.get_or_init(|| Arc::new(config)).clone())
    }
}

impl FromStr for Allowed {
    type Err = String;

    fn from_str(text: &str) -> Result<Allowed, String> {
        let why = || format!("`{text}` is not HOST:PORT");
        let (_, port) = text.rsplit_once(':').ok_or_else(why)?;
        let port: u16 = port.parse().map_err(|_| why())?;
        let url = parsed(&format!("http://{text}/")).map_err(|_| why())?;
        let host = url.host().filter(|_| url.path() == "/").ok_or_else(why)?;
        Ok(Allowed {
            host: host.to_string(),
            port,
        })
    }
}

/// Whether requests could be sent to an address as it is written. What it
/// leads to is looked at when something is sent.
pub fn check_url(url: &str) -> Result<(), OutboundError> {
    parsed(url).map(drop)
}

fn parsed(text: &str) -> Result<Url, OutboundError> {
    if text.len() > MAX_URL_BYTES {
        return Err(OutboundError::Url("it is too long"));
    }
    let url = Url::parse(text).map_err(|_| OutboundError::Url("it cannot be read"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(OutboundError::Url("of another kind"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(OutboundError::Url("it holds a name or a password"));
    }
    if url.host_str().is_none_or(str::is_empty) || url.port() == Some(0) {
        return Err(OutboundError::Url("it has no host or port"));
    }
    Ok(url)
}

/// The first of the checked addresses that takes the connection.
async fn connected(addresses: &[SocketAddr]) -> Result<TcpStream, OutboundError> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(problem) => last = problem,
        }
    }
    Err(OutboundError::Connect(last))
}

async fn converse<S>(stream: S, url: &Url, request: Request) -> Result<Answer, OutboundError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |problem: hyper::Error| OutboundError::Broken(problem.to_string());
    let max = request.max_answer_bytes;
    let message = message(url, request)?;
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(MAX_HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    // Ends with the request: a dropped future must not leave a connection.
    let driver = Driver(tokio::spawn(connection));
    let answer = sender.send_request(message).await.map_err(broken)?;
    let (head, body) = answer.into_parts();
    let body = match Limited::new(body, max).collect().await {
        Ok(body) => body.to_bytes().to_vec(),
        Err(problem) if problem.is::<http_body_util::LengthLimitError>() => {
            return Err(OutboundError::TooLong(max));
        }
        Err(problem) => return Err(OutboundError::Broken(problem.to_string())),
    };
    drop(driver);
    let headers = head.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    Ok(Answer {
        status: head.status.as_u16(),
        headers: headers.collect(),
        body,
    })
}

struct Driver(tokio::task::JoinHandle<Result<(), hyper::Error>>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn message(url: &Url, request: Request) -> Result<hyper::Request<Full<Bytes>>, OutboundError> {
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let mut message = hyper::Request::builder()
        .method(request.method)
        .uri(target)
        .header(HOST, host)
        .header(USER_AGENT, concat!("keji/", env!("CARGO_PKG_VERSION")));
    for (name, value) in request.headers {
        let name = HeaderName::from_static(name);
        let value = HeaderValue::from_str(&value).map_err(|_| OutboundError::Header)?;
        message = message.header(name, value);
    }
    message
        .body(Full::new(Bytes::from(request.body)))
        .map_err(|_| OutboundError::Header)
}
