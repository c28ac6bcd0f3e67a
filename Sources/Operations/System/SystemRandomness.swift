import Messaging
public import Runtime
import Secrets

public import struct FoundationEssentials.UUID

/// The machine's own randomness.
public struct SystemRandomness: Randomness {
    public init() {}

    public func uuid() -> UUID { .v4() }

    public func fraction() -> Double { Double.random(in: 0..<1) }
}
