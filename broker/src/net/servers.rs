//! Starts and stops the listeners of the nodes, each by itself and always on its own port.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use kafka_protocol::messages::BrokerId;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use super::listener;
use crate::state::Shared;

/// How many connections may wait to be accepted; as many as tokio's own listeners take.
const BACKLOG: u32 = 1024;

/// The listeners of all nodes. When it is dropped they end by themselves, and their connections with them.
pub(crate) struct Servers {
    shared: Arc<Shared>,
    /// Locked across the wait for the connections of a node to end.
    all: Mutex<Vec<Server>>,
}

struct Server {
    address: SocketAddr,
    state: Serving,
}

enum Serving {
    Up(Running),
    /// The port is kept, so that nobody else gets it; who connects is refused, since nobody listens.
    Down(Option<TcpSocket>),
}

/// A listener's task, which ends when `stop` is dropped.
struct Running {
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Servers {
    /// Begins to serve on every listener, the first being that of node 0.
    pub(crate) fn start(shared: Arc<Shared>, listeners: Vec<TcpListener>) -> io::Result<Self> {
        let mut all = Vec::with_capacity(listeners.len());
        for (node, listener) in (0..).zip(listeners) {
            let address = listener.local_addr()?;
            let running = Running::start(&shared, BrokerId(node), listener);
            all.push(Server {
                address,
                state: Serving::Up(running),
            });
        }
        let all = Mutex::new(all);
        Ok(Self { shared, all })
    }

    /// Closes the listener and the connections of a node, and keeps its port. Nothing happens to a node that is down.
    pub(crate) async fn stop(&self, node: usize) {
        let mut all = self.all.lock().await;
        let Some(server) = all.get_mut(node) else {
            return;
        };
        if let Serving::Up(running) = std::mem::replace(&mut server.state, Serving::Down(None)) {
            running.end().await;
        }
        if let Serving::Down(kept @ None) = &mut server.state {
            *kept = bind(server.address).ok();
        }
    }

    /// Listens again on the port of a node. Nothing happens to a node that is up.
    ///
    /// # Errors
    /// When the port could not be kept and somebody else has it.
    pub(crate) async fn restart(&self, node: usize) -> io::Result<()> {
        let mut all = self.all.lock().await;
        let Some(Server { address, state }) = all.get_mut(node) else {
            return Ok(());
        };
        let Serving::Down(kept) = state else {
            return Ok(());
        };
        let socket = match kept.take() {
            Some(socket) => socket,
            None => bind(*address)?,
        };
        let listener = socket.listen(BACKLOG)?;
        *state = Serving::Up(Running::start(
            &self.shared,
            BrokerId(node as i32),
            listener,
        ));
        Ok(())
    }

    /// Stops every node and lets go of the ports.
    pub(crate) async fn shutdown(&self) {
        for server in self.all.lock().await.drain(..) {
            if let Serving::Up(running) = server.state {
                running.end().await;
            }
        }
    }
}

impl Running {
    fn start(shared: &Arc<Shared>, node: BrokerId, listener: TcpListener) -> Self {
        let (stop, stopped) = watch::channel(());
        let serve = listener::serve(listener, node, Arc::clone(shared), stopped);
        let task = tokio::spawn(serve);
        Self { stop, task }
    }

    async fn end(self) {
        drop(self.stop);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the listener of a node failed");
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // The connections that the node had may linger for a minute.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}
