//! The gateway, beside a bare reverse proxy before the same server.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::audit::seal_costs;
use super::load::{self, Load};
use super::server::Server;
use super::sign::{Payload, Rest};
use super::{Arguments, CONNECTIONS, Programs, Row, median};

const MEBIBYTE: usize = 1024 * 1024;
/// Bytes of a small object.
const SMALL: usize = 1024;
/// Bytes of a large body that is sent from memory.
const LARGE: usize = 64 * MEBIBYTE;
/// Bytes of the body that memory is measured with.
const HUGE: usize = 1024 * MEBIBYTE;
/// Connections that memory is measured with.
const MANY: usize = 500;
/// Large bodies in a round.
const BODIES: usize = 8;
/// Memory, in MiB, below which a ratio says nothing.
const NOISE: f64 = 4.0;

/// A server with small objects and one with large ones, and before each a proxy and a gateway.
struct Chain {
    _store: Server,
    proxy: Server,
    gateway: Server,
}

impl Chain {
    fn start(programs: &Programs, answer: usize) -> Result<Chain, String> {
        let store = Server::bare(&programs.bare, answer)?;
        let proxy = Server::proxy(&programs.proxy, store.host())?;
        let gateway = Server::gateway(&programs.iamd, store.host())?;
        let chain = Chain { _store: store, proxy, gateway };
        chain.gateway.exchange(&chain.gateway.signed_rest(&Rest::put("/bench", Payload::None)))?;
        Ok(chain)
    }
}

/// Measures all of it.
pub(super) fn rows(arguments: &Arguments, programs: &Programs) -> Result<Vec<Row>, String> {
    let small = Chain::start(programs, SMALL)?;
    let mut rows = vec![small_objects(arguments, &small)?];
    rows.extend(large_bodies(arguments, programs, &small)?);
    rows.push(huge_body(&small)?);
    let large = Chain::start(programs, LARGE)?;
    rows.push(large_objects(arguments, &large)?);
    rows.push(many_connections(&large)?);
    Ok(rows)
}

/// CPU time of a small GET.
fn small_objects(arguments: &Arguments, chain: &Chain) -> Result<Row, String> {
    let mut costs = Vec::new();
    for round in 0..=arguments.rounds {
        let load = |server: &Server| Load::of(server.signed_rest(&Rest::get("/bench/object")));
        let floor = chain.proxy.cost(&load(&chain.proxy), arguments.requests, CONNECTIONS)?;
        let cost = chain.gateway.cost(&load(&chain.gateway), arguments.requests, CONNECTIONS)?;
        if round > 0 {
            costs.push((cost / 1e3, floor / 1e3));
        }
    }
    let (cost, floor) = medians(&costs);
    Ok(Row {
        name: "gateway: GET of 1 KiB".to_owned(),
        measured: format!("{cost:.1} µs of CPU beside {floor:.1} µs: a bare reverse proxy"),
        ratio: median(costs.iter().map(|(cost, floor)| cost / floor).collect()),
        must: 1.5,
        stretch: 1.25,
    })
}

/// Bodies that declare themselves unsigned, and bodies in signed chunks.
fn large_bodies(
    arguments: &Arguments,
    programs: &Programs,
    chain: &Chain,
) -> Result<Vec<Row>, String> {
    let hash = seal_costs(programs)?.get("hash").and_then(|it| it.as_f64()).unwrap_or(f64::NAN);
    let zeros = vec![0; LARGE];
    let request = |server: &Server, payload| {
        Load::of(server.signed_rest(&Rest::put("/bench/large", payload)))
    };
    let mut times = Vec::new();
    let mut costs = Vec::new();
    let bytes = (BODIES * LARGE) as f64;
    for round in 0..=arguments.rounds {
        let plain = request(&chain.proxy, Payload::Unsigned(&zeros));
        let (floor, _) = chain.proxy.seconds_and_cost(&plain, BODIES)?;
        let plain = request(&chain.gateway, Payload::Unsigned(&zeros));
        let (time, cost) = chain.gateway.seconds_and_cost(&plain, BODIES)?;
        let chunked = request(&chain.gateway, Payload::Chunks(&zeros));
        let (_, signed) = chain.gateway.seconds_and_cost(&chunked, BODIES)?;
        if round > 0 {
            times.push((time, floor));
            // Nanoseconds for a KiB.
            costs.push((signed / bytes * 1024.0, cost / bytes * 1024.0 + hash));
        }
    }
    let (signed, plain) = medians(&costs);
    Ok(vec![
        throughput_row("gateway: PUT of 64 MiB, unsigned payload (time)", &times),
        Row {
            name: "gateway: PUT of 64 MiB in signed chunks".to_owned(),
            measured: format!(
                "{signed:.0} ns of CPU for a KiB beside {plain:.0} ns: unsigned, and one SHA-256"
            ),
            ratio: median(costs.iter().map(|(signed, plain)| signed / plain).collect()),
            must: 1.10,
            stretch: 1.05,
        },
    ])
}

/// Large answers.
fn large_objects(arguments: &Arguments, chain: &Chain) -> Result<Row, String> {
    let mut times = Vec::new();
    for round in 0..=arguments.rounds {
        let load = |server: &Server| Load::of(server.signed_rest(&Rest::get("/bench/large")));
        let (floor, _) = chain.proxy.seconds_and_cost(&load(&chain.proxy), BODIES)?;
        let (time, _) = chain.gateway.seconds_and_cost(&load(&chain.gateway), BODIES)?;
        if round > 0 {
            times.push((time, floor));
        }
    }
    Ok(throughput_row("gateway: GET of 64 MiB (time)", &times))
}

/// The time of large bodies through the gateway, beside that through the proxy.
fn throughput_row(name: &str, times: &[(f64, f64)]) -> Row {
    let (time, floor) = medians(times);
    let rate = |seconds: f64| (BODIES * LARGE / MEBIBYTE) as f64 / seconds;
    Row {
        name: name.to_owned(),
        measured: format!(
            "{:.0} MiB/s beside {:.0} MiB/s: a bare reverse proxy",
            rate(time),
            rate(floor)
        ),
        ratio: median(times.iter().map(|(time, floor)| time / floor).collect()),
        must: 1.0 / 0.9,
        stretch: 1.0,
    }
}

/// What a body of 1 GiB adds to the memory of the gateway at most.
fn huge_body(chain: &Chain) -> Result<Row, String> {
    let grown = |server: &Server| -> Result<f64, String> {
        let before = server.resident_mebibytes()?;
        let head = server.signed_rest(&Rest::put("/bench/huge", Payload::Announced(HUGE)));
        let mut stream = connected(server)?;
        stream.write_all(&head).map_err(|error| error.to_string())?;
        let (piece, mut most) = (vec![0; MEBIBYTE], before);
        for _ in 0..HUGE / MEBIBYTE {
            stream.write_all(&piece).map_err(|error| error.to_string())?;
            most = server.resident_mebibytes()?.max(most);
        }
        load::answer(&mut stream, &mut Vec::new())?;
        Ok(most - before)
    };
    let (floor, memory) = (grown(&chain.proxy)?, grown(&chain.gateway)?);
    Ok(memory_row("gateway: memory that a PUT of 1 GiB takes", memory, floor))
}

/// What 500 connections add that have begun to read a large object.
fn many_connections(chain: &Chain) -> Result<Row, String> {
    let grown = |server: &Server| -> Result<f64, String> {
        let before = server.resident_mebibytes()?;
        let request = server.signed_rest(&Rest::get("/bench/large"));
        let mut streams = Vec::new();
        for _ in 0..MANY {
            let mut stream = connected(server)?;
            stream.write_all(&request).map_err(|error| error.to_string())?;
            let mut start = vec![0; 64 * 1024];
            stream.read_exact(&mut start).map_err(|error| error.to_string())?;
            streams.push(stream);
        }
        Ok(server.resident_mebibytes()? - before)
    };
    let (floor, memory) = (grown(&chain.proxy)?, grown(&chain.gateway)?);
    Ok(memory_row("gateway: memory of 500 connections that read slowly", memory, floor))
}

fn memory_row(name: &str, memory: f64, floor: f64) -> Row {
    Row {
        name: name.to_owned(),
        measured: format!("{memory:.1} MiB beside {floor:.1} MiB: a bare reverse proxy"),
        ratio: memory.max(NOISE) / floor.max(NOISE),
        must: 2.0,
        stretch: 1.25,
    }
}

fn connected(server: &Server) -> Result<TcpStream, String> {
    TcpStream::connect(server.host()).map_err(|error| error.to_string())
}

fn medians(pairs: &[(f64, f64)]) -> (f64, f64) {
    let of = |pick: fn(&(f64, f64)) -> f64| median(pairs.iter().map(pick).collect());
    (of(|pair| pair.0), of(|pair| pair.1))
}
