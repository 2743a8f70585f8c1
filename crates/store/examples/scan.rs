//! The limit of a cold start, for `cargo xtask bench --large`: reads every row of a database file
//! with nothing but SQLite, touches its bytes, and prints seconds, rows and bytes as JSON.

use std::time::Instant;

use rusqlite::{Connection, OpenFlags};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("which database file?")?;
    let start = Instant::now();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    let mut statement = connection.prepare("SELECT id, bytes FROM rows")?;
    let mut rows = statement.query([])?;
    let (mut count, mut bytes, mut sum) = (0_u64, 0_u64, 0_u64);
    while let Some(row) = rows.next()? {
        let id = row.get_ref(0)?.as_bytes()?;
        let content = row.get_ref(1)?.as_blob()?;
        count += 1;
        bytes += (id.len() + content.len()) as u64;
        sum += content.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    }
    std::hint::black_box(sum);
    let seconds = start.elapsed().as_secs_f64();
    println!(r#"{{"seconds":{seconds},"rows":{count},"bytes":{bytes}}}"#);
    Ok(())
}
