//! A TCP proxy on this machine that delays, throttles, holds, cuts or refuses, switched while connections run.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Most bytes that travel together.
const CHUNK: usize = 16 << 10;
/// Most chunks under way in one direction of one connection.
const CHUNKS: usize = 64;

/// How connections fare from now on, those that are open included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Bytes pass as they come.
    Pass,
    /// Bytes arrive this much later, each way.
    Delay(Duration),
    /// So many bytes a second pass, each way of each connection.
    Throttle(u32),
    /// A connection is cut, in mid-frame or not, once so many bytes have passed one way of it.
    CutAfter(usize),
    /// Connections are taken and nothing passes; what was sent waits, and passes once this is over.
    Hold,
    /// Nothing listens, and open connections are cut.
    Refuse,
}

#[derive(Clone, Copy)]
struct Orders {
    manner: Manner,
    /// How often all connections were cut.
    cuts: u64,
}

/// Stands between clients and one upstream until it is dropped, which cuts everything.
pub struct Proxy {
    /// Its tasks end with it.
    runtime: Runtime,
    port: u16,
    orders: watch::Sender<Orders>,
    accepted: Arc<AtomicUsize>,
}

impl Proxy {
    /// Listens on `port` of 127.0.0.1 (0 picks a free one) for the server at port `upstream`.
    pub fn start(port: u16, upstream: u16) -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port)))?;
        let manner = Manner::Pass;
        let (orders, _) = watch::channel(Orders { manner, cuts: 0 });
        let accepted = Arc::new(AtomicUsize::new(0));
        let proxy = Self {
            port: listener.local_addr()?.port(),
            orders,
            accepted,
            runtime,
        };
        let entrance = Entrance {
            address: listener.local_addr()?,
            upstream: SocketAddr::from((Ipv4Addr::LOCALHOST, upstream)),
            orders: proxy.orders.subscribe(),
            accepted: Arc::clone(&proxy.accepted),
        };
        proxy.runtime.spawn(entrance.serve(listener));
        Ok(proxy)
    }

    /// Where clients connect, `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// From now on, for every connection.
    pub fn set(&self, manner: Manner) {
        self.orders.send_modify(|orders| orders.manner = manner);
    }

    /// Cuts every connection there is; new ones fare as before.
    pub fn cut(&self) {
        self.orders.send_modify(|orders| orders.cuts += 1);
    }

    /// How many connections were taken so far: a client that gives one up and comes again is seen here.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }
}

struct Entrance {
    address: SocketAddr,
    upstream: SocketAddr,
    orders: watch::Receiver<Orders>,
    accepted: Arc<AtomicUsize>,
}

impl Entrance {
    async fn serve(mut self, mut listener: TcpListener) -> io::Result<()> {
        loop {
            if self.orders.borrow_and_update().manner == Manner::Refuse {
                drop(listener);
                let open = |orders: &Orders| orders.manner != Manner::Refuse;
                self.orders.wait_for(open).await.map_err(io::Error::other)?;
                listener = TcpListener::bind(self.address)
                    .await
                    .expect("the port is still the proxy's");
            }
            tokio::select! {
                accepted = listener.accept() => self.take(accepted?.0),
                changed = self.orders.changed() => changed.map_err(io::Error::other)?,
            }
        }
    }

    fn take(&self, client: TcpStream) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        let orders = self.orders.clone();
        let cuts = orders.borrow().cuts;
        let carried = carry(client, self.upstream, orders.clone());
        tokio::spawn(async move {
            tokio::select! {
                // Whichever side ended the connection, dropping both ends it for the other.
                _ = carried => {}
                () = cut(orders, cuts) => {}
            }
        });
    }
}

/// Waits until connections that were taken after `cuts` cuts are cut.
async fn cut(mut orders: watch::Receiver<Orders>, cuts: u64) {
    let due = |now: &Orders| now.cuts != cuts || now.manner == Manner::Refuse;
    // An error means that the proxy is gone.
    let _ = orders.wait_for(due).await;
}

async fn carry(
    client: TcpStream,
    upstream: SocketAddr,
    orders: watch::Receiver<Orders>,
) -> io::Result<()> {
    let server = TcpStream::connect(upstream).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        ended = way(from_client, to_server, orders.clone()) => ended,
        ended = way(from_server, to_client, orders) => ended,
    }
}

/// One way of a connection: a line of chunks, each with the moment when it is due.
async fn way(
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    orders: watch::Receiver<Orders>,
) -> io::Result<()> {
    let (line, due) = mpsc::channel(CHUNKS);
    tokio::try_join!(take(from, line, orders.clone()), give(due, to, orders))?;
    Ok(())
}

async fn take(
    mut from: OwnedReadHalf,
    line: mpsc::Sender<(Instant, Vec<u8>)>,
    mut orders: watch::Receiver<Orders>,
) -> io::Result<()> {
    loop {
        let mut chunk = vec![0; CHUNK];
        let manner = flowing(&mut orders).await?;
        let count = tokio::select! {
            read = from.read(&mut chunk) => read?,
            changed = orders.changed() => {
                changed.map_err(io::Error::other)?;
                continue;
            }
        };
        if count == 0 {
            return Ok(());
        }
        chunk.truncate(count);
        let delay = match manner {
            Manner::Delay(delay) => delay,
            _ => Duration::ZERO,
        };
        let sent = line.send((Instant::now() + delay, chunk)).await;
        sent.map_err(io::Error::other)?;
    }
}

async fn give(
    mut due: mpsc::Receiver<(Instant, Vec<u8>)>,
    mut to: OwnedWriteHalf,
    mut orders: watch::Receiver<Orders>,
) -> io::Result<()> {
    let mut given = 0;
    while let Some((at, chunk)) = due.recv().await {
        tokio::time::sleep_until(at).await;
        match flowing(&mut orders).await? {
            Manner::CutAfter(limit) if given + chunk.len() >= limit => {
                to.write_all(&chunk[..limit.saturating_sub(given)]).await?;
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            Manner::Throttle(rate) => {
                let seconds = chunk.len() as f64 / f64::from(rate);
                tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
                to.write_all(&chunk).await?;
            }
            _ => to.write_all(&chunk).await?,
        }
        given += chunk.len();
    }
    Ok(())
}

/// The manner, once it is not to hold.
async fn flowing(orders: &mut watch::Receiver<Orders>) -> io::Result<Manner> {
    let flows = |orders: &Orders| orders.manner != Manner::Hold;
    let orders = orders.wait_for(flows).await.map_err(io::Error::other)?;
    Ok(orders.manner)
}

#[cfg(test)]
#[path = "proxy_tests.rs"]
mod tests;
