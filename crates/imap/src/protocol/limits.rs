//! Bounds on what a server may make us keep.

/// Named caps; each default is far above what real servers send.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Octets of an ordinary response line with its inline literals. Longer ones are skipped and
    /// counted; of status responses the beginning is kept. Default 64 KiB.
    pub line: usize,
    /// Octets of a FETCH response besides the body. Default 1 MiB (500 keywords of 2 kB).
    pub fetch: usize,
    /// Octets of a SEARCH, ESEARCH or VANISHED response. Default 32 MiB (about 3 million UIDs).
    pub search: usize,
    /// Octets skipped in search of the end of one overlong line, or past a literal that nobody wants, before the connection
    /// is given up. Default 64 MiB.
    pub skip: u64,
    /// Octets in the greeting. Default 8 KiB.
    pub greeting: usize,
    /// Folders in one LIST answer. Default 100,000.
    pub folders: usize,
    /// Octets of a folder's name. Folders with longer ones are left out of a list and counted. Default 8 KiB.
    pub name: usize,
    /// Messages reported as changed by one EXAMINE with QRESYNC. Default 5 million.
    pub changed: usize,
    /// Responses that nobody asked for, between two that bring a command on: servers also tell what others do meanwhile, but
    /// one that talks on and on must not keep us for ever. Default 100,000.
    pub unasked: u64,
    /// FETCH commands on the wire at once. Default 256.
    pub commands_in_flight: usize,
    /// How much larger than the received data the decompressed data may be, on average after the
    /// first 16 MiB (DEFLATE's own maximum is about 1,032). Default 500.
    pub compression_ratio: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            line: 64 * 1024,
            fetch: 1024 * 1024,
            search: 32 * 1024 * 1024,
            skip: 64 * 1024 * 1024,
            greeting: 8 * 1024,
            folders: 100_000,
            name: 8 * 1024,
            changed: 5_000_000,
            unasked: 100_000,
            commands_in_flight: 256,
            compression_ratio: 500,
        }
    }
}
