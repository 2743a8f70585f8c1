//! What the operating system says of the process, under the names that all exporters use.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Clock ticks in a second, in /proc: fixed by Linux for programs.
const TICKS: f64 = 100.0;

#[derive(Debug, Default)]
pub(super) struct Process {
    cpu: Counter<f64, AtomicU64>,
    resident: Gauge,
    threads: Gauge,
    open_files: Gauge,
}

impl Process {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "cpu_seconds",
            "CPU time of the process, user and system",
            self.cpu.clone(),
        );
        registry.register(
            "resident_memory_bytes",
            "Memory that is resident",
            self.resident.clone(),
        );
        registry.register("threads", "Threads", self.threads.clone());
        registry.register("open_fds", "Open files and sockets", self.open_files.clone());
    }

    /// Reads the present values, where the system tells.
    pub(super) fn read(&self) {
        if let Some(status) = Status::read() {
            let spent = status.cpu_seconds - self.cpu.get();
            if spent > 0.0 {
                self.cpu.inc_by(spent);
            }
            self.resident.set(status.resident_bytes);
            self.threads.set(status.threads);
        }
        if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
            // Less the one that is open for the list itself.
            let open = i64::try_from(files.count()).unwrap_or(i64::MAX);
            self.open_files.set(open.saturating_sub(1));
        }
    }
}

/// Resident memory of this process, in bytes, where the system tells.
pub fn resident_bytes() -> Option<i64> {
    Status::read().map(|status| status.resident_bytes)
}

struct Status {
    cpu_seconds: f64,
    resident_bytes: i64,
    threads: i64,
}

impl Status {
    fn read() -> Option<Status> {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        // The name of the program may hold anything; the fields follow its bracket.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number).and_then(|text| text.parse::<f64>().ok());
        let memory = std::fs::read_to_string("/proc/self/status").ok()?;
        let number = |name: &str| -> Option<i64> {
            let line = memory.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Some(Status {
            cpu_seconds: (field(11)? + field(12)?) / TICKS,
            resident_bytes: number("VmRSS:")?.saturating_mul(1024),
            threads: number("Threads:")?,
        })
    }
}
