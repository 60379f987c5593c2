//! SEC-3, inside: no way of writing an address leads to what is not public,
//! unless the operator has named it; and limits of time and size hold.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use keji_app::outbound::{Allowed, Answer, Outbound, OutboundError, Request, Resolve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const REFUSED: &str = include_str!("fixtures/outbound/refused.txt");

/// Counts who comes, on both loopback addresses, and gives everybody `answer`.
struct Trap {
    port: u16,
    n: Arc<AtomicUsize>,
}

impl Trap {
    async fn answering(answer: &'static str) -> Trap {
        let n = Arc::new(AtomicUsize::new(0));
        let v4 = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = v4.local_addr().unwrap().port();
        let v6 = TcpListener::bind(("::1", port)).await.ok();
        for listener in std::iter::once(v4).chain(v6) {
            let n = n.clone();
            tokio::spawn(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    n.fetch_add(1, Ordering::SeqCst);
                    tokio::spawn(async move {
                        let mut buffer = [0; 4096];
                        let _ = stream.read(&mut buffer).await;
                        let _ = stream.write_all(answer.as_bytes()).await;
                        if answer.is_empty() {
                            tokio::time::sleep(Duration::from_secs(60)).await;
                        }
                    });
                }
            });
        }
        Trap { port, n }
    }

    fn n(&self) -> usize {
        self.n.load(Ordering::SeqCst)
    }

    fn allowed(&self) -> Allowed {
        format!("127.0.0.1:{}", self.port).parse().unwrap()
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook?a=1", self.port)
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-kind: a\r\n\r\nok";

async fn get(outbound: &Outbound, url: &str) -> Result<Answer, OutboundError> {
    outbound
        .send(Request {
            timeout: Duration::from_secs(2),
            ..Request::get(url)
        })
        .await
}

#[tokio::test]
async fn no_notation_reaches_what_is_not_public() {
    let trap = Trap::answering(OK).await;
    let outbound = Outbound::default();
    let mut n = 0;
    for line in REFUSED.lines().filter(|l| !l.starts_with('#')) {
        n += 1;
        let url = line.replace("PORT", &trap.port.to_string());
        let result = get(&outbound, &url).await;
        assert!(result.is_err(), "{url} was answered");
    }
    assert!(n >= 60, "{n} notations");
    assert_eq!(trap.n(), 0);
    // The trap is one: whoever may comes through.
    let answer = get(&Outbound::new([trap.allowed()]), &trap.url()).await;
    let answer = answer.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"ok"[..]));
    assert_eq!(answer.header("x-kind"), Some("a"));
    assert_eq!(trap.n(), 1);
}

#[tokio::test]
async fn the_list_of_the_operator_is_by_host_and_port() {
    let (trap, other) = (Trap::answering(OK).await, Trap::answering(OK).await);
    let outbound = Outbound::new([trap.allowed()]);
    assert!(get(&outbound, &trap.url()).await.is_ok());
    assert!(get(&outbound, &other.url()).await.is_err());
    let by_name = format!("http://localhost:{}/", trap.port);
    assert!(get(&outbound, &by_name).await.is_err());
    assert_eq!((trap.n(), other.n()), (1, 0));
    for wrong in ["", "localhost", "localhost:", "localhost:x", ":1", "a/b:1"] {
        assert!(wrong.parse::<Allowed>().is_err(), "{wrong}");
    }
    for right in ["localhost:1", "LOCALHOST:1"] {
        assert_eq!(
            right.parse::<Allowed>().unwrap(),
            "localhost:1".parse().unwrap()
        );
    }
    assert!("[::1]:8080".parse::<Allowed>().is_ok());
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_a_way() {
    let inner = Trap::answering(OK).await;
    let head = format!(
        "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{}/\r\ncontent-length: 0\r\n\r\n",
        inner.port
    );
    let outer = Trap::answering(head.leak()).await;
    // Even where both ends are allowed.
    let outbound = Outbound::new([outer.allowed(), inner.allowed()]);
    let answer = get(&outbound, &outer.url()).await.unwrap();
    assert_eq!(answer.status, 302);
    assert_eq!((outer.n(), inner.n()), (1, 0));
}

#[tokio::test]
async fn a_name_that_changes_its_meaning_leads_nowhere() {
    let trap = Trap::answering(OK).await;
    let n_asked = Arc::new(AtomicUsize::new(0));
    let counted = n_asked.clone();
    // Public when it is asked first, loopback afterwards.
    let resolve: Resolve = Arc::new(move |_, port| {
        let n = counted.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            let ip = if n == 0 { "192.0.9.1" } else { "127.0.0.1" };
            io::Result::Ok(vec![SocketAddr::new(ip.parse().unwrap(), port)])
        })
    });
    let outbound = Outbound::with_resolver([], resolve);
    let url = format!("http://rebinds.test:{}/", trap.port);
    for _ in 0..3 {
        let before = n_asked.load(Ordering::SeqCst);
        assert!(get(&outbound, &url).await.is_err());
        assert_eq!(n_asked.load(Ordering::SeqCst), before + 1);
    }
    // One private address among public ones spoils the name.
    let both: Resolve = Arc::new(|_, port| {
        Box::pin(async move {
            let all = ["192.0.9.1", "127.0.0.1"];
            Ok(all
                .map(|ip| SocketAddr::new(ip.parse().unwrap(), port))
                .to_vec())
        })
    });
    let refused = get(&Outbound::with_resolver([], both), &url).await;
    assert!(matches!(refused, Err(OutboundError::Refused { .. })));
    assert_eq!(trap.n(), 0);
}

#[tokio::test]
async fn time_and_size_are_limited() {
    let silent = Trap::answering("").await;
    let started = Instant::now();
    let outbound = Outbound::new([silent.allowed()]);
    let request = Request {
        timeout: Duration::from_millis(300),
        ..Request::get(silent.url())
    };
    let result = outbound.send(request).await;
    assert!(matches!(result, Err(OutboundError::Timeout(_))));
    assert!(started.elapsed() < Duration::from_secs(5));

    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n0123456789abcdef",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n",
    ] {
        let long = Trap::answering(answer).await;
        let request = Request {
            max_answer_bytes: 10,
            ..Request::get(long.url())
        };
        let result = Outbound::new([long.allowed()]).send(request).await;
        assert!(matches!(result, Err(OutboundError::TooLong(10))));
    }
    let nonsense = Trap::answering("hello\r\n\r\n").await;
    let result = get(&Outbound::new([nonsense.allowed()]), &nonsense.url()).await;
    assert!(matches!(result, Err(OutboundError::Broken(_))));
    // A secure request to what speaks in the clear.
    let url = nonsense.url().replace("http:", "https:");
    let result = get(&Outbound::new([nonsense.allowed()]), &url).await;
    assert!(matches!(result, Err(OutboundError::Tls(_))), "{result:?}");
}
