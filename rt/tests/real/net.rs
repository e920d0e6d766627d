//! Connections over loopback.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use base::{CoreId, SeededRandom};
use bytes::{Bytes, BytesMut};
use rt::net::{Accepted, BindError, BoundListener, bind, connect, resolve};
use rt::{MeshEnd, TaskQueue, mesh, run_cores, sleep, spawn, timeout, yield_now};
use socket2::{Domain, Socket, Type};

use crate::support::{MS, descriptors, in_child, in_child_with, on_core, stderr, two_cores};

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// One listener on a free port.
fn listener() -> (SocketAddr, BoundListener) {
    let (addr, mut listeners) = bind(loopback(), 1, 64).unwrap();
    assert_ne!(addr.port(), 0);
    (addr, listeners.pop().unwrap())
}

/// Tries to listen on a port as another program would that wants to share it.
fn join_port(addr: SocketAddr, share: bool) -> std::io::Result<()> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(share)?;
    socket.bind(&addr.into())?;
    socket.listen(1)
}

#[test]
fn a_second_broker_on_the_same_port_is_refused_even_if_it_wants_to_share_it() {
    const NAME: &str = "net::a_second_broker_on_the_same_port_is_refused_even_if_it_wants_to_share_it";
    for addr in ["127.0.0.1:0", "0.0.0.0:0", "[::]:0"] {
        let (addr, listeners) = bind(addr.parse().unwrap(), 3, 16).unwrap();
        assert_eq!(listeners.len(), 3);
        let refused = bind(addr, 2, 16).unwrap_err();
        assert!(matches!(refused, BindError::InUse { addr: found } if found == addr), "{refused}");
        assert!(refused.to_string().starts_with(&format!("{addr} is in use")), "{refused}");
        for share in [false, true] {
            assert_eq!(join_port(addr, share).unwrap_err().kind(), ErrorKind::AddrInUse, "{addr} {share}");
        }
        let output = in_child_with(NAME, &addr.to_string(), |addr| {
            let addr = addr.parse().unwrap();
            for share in [false, true] {
                assert_eq!(join_port(addr, share).unwrap_err().kind(), ErrorKind::AddrInUse, "{addr} {share}");
            }
            eprintln!("refused");
        });
        assert!(stderr(&output).contains("refused"), "{}", stderr(&output));
        drop(listeners);
        // Free again, as soon as the accepting thread has noticed.
        let free = (0..100).any(|_| {
            std::thread::sleep(MS);
            bind(addr, 1, 16).is_ok()
        });
        assert!(free, "{addr} is free when its listeners are gone");
    }
}

#[test]
fn an_address_that_is_not_ours_is_refused_by_name() {
    let refused = bind("192.0.2.1:0".parse().unwrap(), 1, 16).unwrap_err();
    assert_eq!(refused.to_string(), "192.0.2.1:0 is not an address of this machine");
}

#[test]
fn a_name_without_a_port_is_an_error_and_not_a_panic() {
    assert_eq!(resolve("no-port-here").unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(resolve("127.0.0.1:80").unwrap().contains(&"127.0.0.1:80".parse().unwrap()));
}

#[test]
fn a_connection_to_nobody_fails_and_one_to_a_deaf_host_ends_at_its_limit() {
    on_core(|| async {
        let (addr, listener) = listener();
        drop(listener);
        sleep(20 * MS).await;
        let refused = connect(addr, Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        // A backlog that is full: the kernel lets further connections wait.
        let deaf = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        deaf.bind(&loopback().into()).unwrap();
        deaf.listen(0).unwrap();
        let addr = deaf.local_addr().unwrap().as_socket().unwrap();
        let mut connected = Vec::new();
        let error = loop {
            match connect(addr, 200 * MS).await {
                Ok(halves) => connected.push(halves),
                Err(error) => break error,
            }
            assert!(connected.len() < 10, "a backlog of none takes few");
        };
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    });
}

#[test]
fn connections_are_dealt_out_to_all_cores() {
    let (addr, listeners) = bind(loopback(), 2, 64).unwrap();
    let clients = std::thread::spawn(move || {
        let clients: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(addr).unwrap()).collect();
        for mut client in clients {
            let mut core = [0];
            client.read_exact(&mut core).unwrap();
        }
    });
    let counts = run_cores(two_cores(), listeners, |listener| async move {
        let listener = listener.attach();
        let mut count = 0;
        while let Ok(accepted) = timeout(2_000 * MS, listener.accept()).await {
            let (_read, mut write) = accepted.unwrap().attach().unwrap();
            write.write_all(&[1]).await.unwrap();
            count += 1;
        }
        count
    });
    clients.join().unwrap();
    assert_eq!(counts.unwrap(), [10, 10]);
}

#[test]
fn an_accepted_connection_can_be_handed_to_another_core_and_closes_when_dropped() {
    let (addr, listener) = listener();
    let listener = std::sync::Arc::new(std::sync::Mutex::new(Some(listener)));
    let client = std::thread::spawn(move || {
        let mut dropped = TcpStream::connect(addr).unwrap();
        assert_eq!(dropped.read(&mut [0; 10]).unwrap(), 0, "the broker drops the first connection");
        let mut served = TcpStream::connect(addr).unwrap();
        served.write_all(b"who are you?").unwrap();
        let mut answer = String::new();
        served.read_to_string(&mut answer).unwrap();
        answer
    });
    let seats = mesh::<Accepted>("accepted", 2, 16);
    let done = run_cores(two_cores(), seats, move |end: MeshEnd<Accepted>| {
        let listener = listener.clone();
        async move {
            let mut mesh = end.connect().await;
            if mesh.core() == CoreId(0) {
                let listener = listener.lock().unwrap().take().unwrap().attach();
                drop(listener.accept().await.unwrap());
                let accepted = listener.accept().await.unwrap();
                mesh.sender(CoreId(1)).send(accepted).await.unwrap();
            } else {
                let accepted = mesh.take_receivers().pop().unwrap().1.recv().await.unwrap();
                let (mut read, mut write) = accepted.attach().unwrap();
                let mut buf = BytesMut::new();
                while buf.len() < 12 {
                    assert!(read.read(&mut buf).await.unwrap() > 0);
                }
                write.write_all(format!("{} on core {}", buf.len(), rt::core()).as_bytes()).await.unwrap();
                write.shutdown();
                assert_eq!(read.read(&mut buf).await.unwrap(), 0);
            }
        }
    });
    done.unwrap();
    assert_eq!(client.join().unwrap(), "12 on core 1");
}

#[test]
fn what_is_sent_in_thousands_of_parts_arrives_whole() {
    on_core(|| async {
        let (addr, listener) = listener();
        let listener = listener.attach();
        let mut random = SeededRandom::new(5);
        let mut whole = vec![0; 8 << 20];
        random.fill(&mut whole);
        let whole = Bytes::from(whole);
        // Empty ones, small ones, and some that are larger than any socket's buffer.
        let mut parts = VecDeque::new();
        let mut rest = whole.clone();
        while !rest.is_empty() {
            let size = if random.one_in(400) { 1 << 20 } else { random.index(3_000) };
            parts.push_back(rest.split_to(size.min(rest.len())));
        }
        assert!(parts.len() > 2_000);
        let sending = spawn(TaskQueue::DEFAULT, async move {
            let (_read, mut write) = connect(addr, Duration::from_secs(5)).await.unwrap();
            write.write_parts(&mut parts).await.unwrap();
            assert!(parts.is_empty());
            write.write_all(&[7; 100_000]).await.unwrap();
        });
        let (mut read, _write) = listener.accept().await.unwrap().attach().unwrap();
        let mut received = BytesMut::with_capacity(256 << 10);
        let mut reads = 0;
        loop {
            // A slow reader now and then, so that the sender has to wait.
            if reads % 50 == 0 {
                sleep(MS).await;
            }
            reads += 1;
            received.reserve(64 << 10);
            if read.read(&mut received).await.unwrap() == 0 {
                break;
            }
        }
        sending.await;
        assert_eq!(received.len(), whole.len() + 100_000);
        assert!(received[..whole.len()] == whole[..] && received[whole.len()..].iter().all(|byte| *byte == 7));
    });
}

#[test]
fn a_read_that_was_given_up_loses_nothing_and_does_not_fail_the_next_one() {
    on_core(|| async {
        let (addr, listener) = listener();
        let listener = listener.attach();
        let (_read, mut write) = connect(addr, Duration::from_secs(5)).await.unwrap();
        let (mut read, _write) = listener.accept().await.unwrap().attach().unwrap();
        let mut buf = BytesMut::new();
        for _ in 0..100 {
            assert!(timeout(Duration::from_micros(100), read.read(&mut buf)).await.is_err());
            assert!(buf.is_empty(), "a read that gave up leaves the buffer as it was");
        }
        write.write_all(b"late").await.unwrap();
        sleep(20 * MS).await;
        assert_eq!(read.read(&mut buf).await.unwrap(), 4);
        assert_eq!(buf, "late");
        // Polled far more often than the socket is ready.
        let mut reading = Box::pin(read.read(&mut buf));
        for _ in 0..100_000 {
            assert!(timeout(Duration::ZERO, &mut reading).await.is_err());
        }
        write.write_all(b"!").await.unwrap();
        assert_eq!(reading.await.unwrap(), 1);
    });
}

#[test]
fn a_write_that_was_given_up_goes_on_where_it_stopped() {
    on_core(|| async {
        let (addr, listener) = listener();
        let listener = listener.attach();
        let (_read, mut write) = connect(addr, Duration::from_secs(5)).await.unwrap();
        let (mut read, _write) = listener.accept().await.unwrap().attach().unwrap();
        let part = Bytes::from((0..=255).cycle().take(1 << 20).collect::<Vec<u8>>());
        let mut parts = VecDeque::from(vec![part.clone(); 16]);
        assert!(timeout(20 * MS, write.write_parts(&mut parts)).await.is_err(), "16 MiB fit in no socket");
        let sending = spawn(TaskQueue::DEFAULT, async move {
            write.write_parts(&mut parts).await.unwrap();
        });
        let mut received = BytesMut::new();
        while received.len() < 16 << 20 {
            received.reserve(256 << 10);
            assert!(read.read(&mut received).await.unwrap() > 0);
        }
        sending.await;
        assert_eq!(received.len(), 16 << 20);
        assert!(received.chunks(1 << 20).all(|chunk| chunk == part));
    });
}

#[test]
fn halves_that_are_dropped_close_the_connection() {
    on_core(|| async {
        let (addr, listener) = listener();
        let listener = listener.attach();
        let client = std::thread::spawn(move || {
            let mut stream = TcpStream::connect(addr).unwrap();
            stream.read(&mut [0; 1]).unwrap()
        });
        let (read, write) = listener.accept().await.unwrap().attach().unwrap();
        drop(read);
        yield_now().await;
        assert!(!client.is_finished());
        drop(write);
        // The kernel closes when the last descriptor is gone, which the client sees.
        while !client.is_finished() {
            sleep(MS).await;
        }
        assert_eq!(client.join().unwrap(), 0);
    });
}

#[test]
fn a_connection_takes_one_descriptor_at_each_end_and_gives_it_back() {
    let output = in_child("net::a_connection_takes_one_descriptor_at_each_end_and_gives_it_back", || {
        on_core(|| async {
            let (addr, listener) = listener();
            let listener = listener.attach();
            let sockets = || descriptors("socket:");
            let before = sockets();
            let (read, write) = connect(addr, Duration::from_secs(5)).await.unwrap();
            let other = listener.accept().await.unwrap().attach().unwrap();
            assert_eq!(sockets(), before + 2);
            // Whichever half goes first.
            drop((read, other.1));
            yield_now().await;
            assert_eq!(sockets(), before + 2);
            drop((write, other.0));
            while sockets() > before {
                sleep(MS).await;
            }
        });
        eprintln!("all is well");
    });
    assert!(output.status.success() && stderr(&output).contains("all is well"), "{}", stderr(&output));
}

#[test]
fn when_descriptors_run_out_clients_are_turned_away_and_the_listener_lives_on() {
    let output = in_child("net::when_descriptors_run_out_clients_are_turned_away_and_the_listener_lives_on", || {
        on_core(|| async {
            let (addr, listener) = listener();
            let listener = listener.attach();
            let limit = rustix::process::Rlimit { current: Some(100), maximum: Some(100) };
            rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
            let client = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            let (early, late) = (client(), client());
            let mut files: Vec<_> = std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();
            assert!(!files.is_empty());
            early.connect(&addr.into()).unwrap();
            let error = timeout(Duration::from_secs(5), listener.accept()).await.unwrap().unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
            early.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            // Closed by the broker, and not left waiting.
            let turned_away = (&early).read(&mut [0; 1]).unwrap_or(0);
            assert_eq!(turned_away, 0);
            files.truncate(files.len() / 2);
            late.connect(&addr.into()).unwrap();
            let accepted = timeout(Duration::from_secs(5), listener.accept()).await.unwrap();
            drop(accepted.unwrap().attach().unwrap());
        });
        eprintln!("all is well");
    });
    assert!(output.status.success() && stderr(&output).contains("all is well"), "{}", stderr(&output));
}

#[test]
fn an_idle_listener_of_another_program_is_not_disturbed() {
    // The port is another program's: not ours to take, although nobody has connected yet.
    let other = TcpListener::bind(loopback()).unwrap();
    let addr = other.local_addr().unwrap();
    assert!(matches!(bind(addr, 1, 16), Err(BindError::InUse { .. })));
}
