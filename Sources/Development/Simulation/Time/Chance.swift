import FoundationEssentials
import Messaging
import Runtime
import Secrets
import Seeds
import Synchronization

/// Reproducible randomness from a seed. Each part of a simulation draws from a stream of its own, so that one that draws once more does not
/// shift what all others draw.
public final class Chance: Randomness {
    private let random: Mutex<SplitMix>

    public init(seed: UInt64, stream: String = "") {
        let start = stream.utf8.reduce(seed ^ 0x5851_F42D_4C95_7F2D) { hash, byte in
            var mixing = SplitMix(seed: hash &+ UInt64(byte))
            return mixing.next()
        }
        random = Mutex(SplitMix(seed: start))
    }

    func next() -> UInt64 {
        random.withLock { $0.next() }
    }

    /// Uniform in `0 ..< bound`, which is at least 1.
    func below(_ bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(max(1, bound))).high)
    }

    func happens(_ probability: Double) -> Bool {
        fraction() < probability
    }

    func duration(milliseconds range: ClosedRange<Int>) -> Duration {
        .microseconds(range.lowerBound * 1000 + below((range.upperBound - range.lowerBound) * 1000 + 1))
    }

    func pick<Element>(_ elements: [Element]) -> Element {
        elements[below(elements.count)]
    }

    public func fraction() -> Double {
        Double(next() >> 11) / Double(1 << 53)
    }

    public func uuid() -> UUID {
        var bytes: [UInt8] = []
        for _ in 0..<2 {
            let word = next()
            for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift))) }
        }
        // Nil only for a count other than 16 bytes.
        return UUID.v4(randomBytes: bytes) ?? UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    }
}
