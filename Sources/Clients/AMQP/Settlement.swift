/// One frame that settles one delivery, or all up to it.
enum Settlement: Equatable, Sendable {
    case acknowledge(UInt64, multiple: Bool)
    /// Requeues.
    case release(UInt64, multiple: Bool)
    case reject(UInt64, requeue: Bool)
}

/// Which deliveries of one connection are not settled yet, and how to settle some of them in the fewest frames.
///
/// Settling a number twice, or one never delivered, would make the broker close the channel: such numbers are left out.
struct UnsettledDeliveries {
    /// Ascending; at most the prefetch.
    private var numbers: [UInt64] = []
    /// Those whose messages the broker has delivered before.
    private var redelivered: Set<UInt64> = []

    var count: Int { numbers.count }

    /// Numbers come in ascending order.
    mutating func add(_ number: UInt64, isRedelivered: Bool = false) {
        numbers.append(number)
        if isRedelivered { redelivered.insert(number) }
    }

    func includesRedelivered(_ some: [UInt64]) -> Bool { !redelivered.isDisjoint(with: some) }

    mutating func acknowledge(_ settled: [UInt64]) -> [Settlement] {
        settle(settled) { .acknowledge($0, multiple: $1) }
    }

    mutating func release(_ settled: [UInt64]) -> [Settlement] {
        settle(settled) { .release($0, multiple: $1) }
    }

    /// AMQP rejects one by one.
    mutating func reject(_ settled: [UInt64], requeue: Bool) -> [Settlement] {
        take(settled).all.map { .reject($0, requeue: requeue) }
    }

    /// One frame for the oldest deliveries, as far as all of them are among the settled; one frame for each of the others.
    private mutating func settle(_ settled: [UInt64], _ frame: (UInt64, _ multiple: Bool) -> Settlement) -> [Settlement] {
        let (all, leading) = take(settled)
        guard leading > 1 else { return all.map { frame($0, false) } }
        return [frame(all[leading - 1], true)] + all[leading...].map { frame($0, false) }
    }

    /// Removes those of `settled` that are unsettled and returns them in ascending order, with the number of those that leave
    /// nothing unsettled before them.
    private mutating func take(_ settled: [UInt64]) -> (all: [UInt64], leading: Int) {
        let wanted = settled.sorted()
        var taken: [UInt64] = []
        var kept: [UInt64] = []
        var leading = 0
        var next = wanted.startIndex
        for number in numbers {
            while next < wanted.endIndex, wanted[next] < number { next += 1 }
            if next < wanted.endIndex, wanted[next] == number {
                taken.append(number)
                if kept.isEmpty { leading += 1 }
            } else {
                kept.append(number)
            }
        }
        numbers = kept
        redelivered.subtract(taken)
        return (taken, leading)
    }
}
