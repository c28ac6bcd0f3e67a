/// The publications that were written on a channel and are not confirmed yet, in order, found by the broker's numbers.
struct ConfirmWindow {
    struct Entry {
        let batch: UInt64
        let index: Int
        fileprivate let written: ContinuousClock.Instant
        fileprivate(set) var returned: (code: Int, reason: String)?
        fileprivate var isConfirmed = false
    }

    /// A ring: the entry with number n lies at n modulo its size.
    private var ring: [Entry?]
    private var oldest: UInt64 = 1
    private var next: UInt64 = 1
    /// Returns come in the order of publishing: the search for the next one begins here.
    private var nextReturn: UInt64 = 1

    init(capacity: Int) {
        ring = Array(repeating: nil, count: max(1, capacity))
    }

    var isEmpty: Bool { oldest == next }
    /// When the oldest was written that is not confirmed; nil when all are.
    var oldestWritten: ContinuousClock.Instant? { isEmpty ? nil : ring[place(oldest)]?.written }
    var isFull: Bool { next - oldest >= ring.count }

    /// The broker numbers publications from 1 on each channel.
    mutating func restart() {
        (oldest, next, nextReturn) = (1, 1, 1)
    }

    mutating func append(batch: UInt64, index: Int, at now: ContinuousClock.Instant) {
        ring[place(next)] = Entry(batch: batch, index: index, written: now)
        next += 1
    }

    /// The entries that this confirm is the first one for; none for numbers that were never given.
    mutating func confirm(number: UInt64, multiple: Bool) -> [Entry] {
        guard number >= oldest, number < next else { return [] }
        var confirmed: [Entry] = []
        for each in (multiple ? oldest : number)...number {
            if let entry = ring[place(each)], !entry.isConfirmed { confirmed.append(entry) }
            ring[place(each)]?.isConfirmed = true
        }
        while oldest < next, ring[place(oldest)]?.isConfirmed ?? true {
            ring[place(oldest)] = nil
            oldest += 1
        }
        return confirmed
    }

    mutating func markReturned(code: Int, reason: String, where matches: (Entry) -> Bool) -> Bool {
        nextReturn = max(nextReturn, oldest)
        for number in [nextReturn..<next, oldest..<nextReturn].joined() {
            guard let entry = ring[place(number)], !entry.isConfirmed, entry.returned == nil, matches(entry) else { continue }
            ring[place(number)]?.returned = (code, reason)
            nextReturn = number + 1
            return true
        }
        return false
    }

    /// In the order of writing.
    var entries: some Sequence<Entry> { (oldest..<next).lazy.compactMap { ring[place($0)] } }

    /// Empties the window without restarting the numbers.
    mutating func removeAll() -> [Entry] {
        let entries = Array(entries)
        for number in oldest..<next { ring[place(number)] = nil }
        oldest = next
        return entries
    }

    private func place(_ number: UInt64) -> Int {
        Int(number % UInt64(ring.count))
    }
}
