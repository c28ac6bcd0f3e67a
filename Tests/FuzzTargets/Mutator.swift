import Seeds

/// Changes inputs at random, the same way for the same seed; biased towards what decoders fail on.
public struct Mutator {
    private static let maximumBytes = 4_096
    private static let odd: [[UInt8]] = [
        [0], [0xFF], [0xC3, 0x28], [0xED, 0xA0, 0x80], Array("\\u0000".utf8), Array("\\ud800".utf8), Array("%00".utf8), Array("%".utf8), Array("1e999".utf8),
        Array("-".utf8), Array("9223372036854775808".utf8), Array("{\"a\":".utf8), Array("[".utf8), Array("\"".utf8), [0x7F, 0xFF, 0xFF, 0xFF], [0x80, 0, 0, 0],
    ]

    private var random: SplitMix

    public init(seed: UInt64) { random = SplitMix(seed: seed) }

    public mutating func mutation(of seeds: [[UInt8]]) -> [UInt8] {
        var bytes = seeds.isEmpty ? [] : seeds[below(seeds.count)]
        for _ in 0...below(6) { change(&bytes, seeds) }
        return Array(bytes.prefix(Self.maximumBytes))
    }

    private mutating func change(_ bytes: inout [UInt8], _ seeds: [[UInt8]]) {
        let place = below(bytes.count + 1)
        switch below(7) {
        case 0 where place < bytes.count: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 1 where place < bytes.count: bytes[place] ^= 1 << UInt8(below(8))
        case 2 where place < bytes.count: bytes.removeSubrange(place..<min(bytes.count, place + 1 + below(8)))
        case 3: bytes.insert(contentsOf: Self.odd[below(Self.odd.count)], at: place)
        case 4: bytes.insert(contentsOf: bytes.suffix(bytes.count - place).prefix(64), at: place)
        case 5 where !seeds.isEmpty: bytes = Array(bytes.prefix(place)) + seeds[below(seeds.count)].suffix(below(64))
        default: bytes.append(UInt8(truncatingIfNeeded: random.next()))
        }
    }

    private mutating func below(_ bound: Int) -> Int { Int(random.next() % UInt64(max(1, bound))) }
}
