public import Messaging
public import struct FoundationEssentials.UUID

/// The machine's own randomness.
public struct SystemRandomness: Randomness {
    public init() {}

    public func uuid() -> UUID { UUID() }

    public func fraction() -> Double { Double.random(in: 0..<1) }
}
