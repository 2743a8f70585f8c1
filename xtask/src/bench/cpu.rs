//! CPU time of a process, from the scheduler's own accounts.

use std::fs;

/// Nanoseconds of CPU time, user and kernel, that the threads of a process have taken so far.
pub(super) fn nanoseconds(process: u32) -> Result<f64, String> {
    let folder = format!("/proc/{process}/task");
    let threads = fs::read_dir(&folder).map_err(|error| format!("{folder}: {error}"))?;
    let mut sum = 0.0;
    for thread in threads.filter_map(Result::ok) {
        // A thread may end between the listing and the reading.
        let text = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
        sum += text.split(' ').next().and_then(|first| first.parse::<f64>().ok()).unwrap_or(0.0);
    }
    Ok(sum)
}
