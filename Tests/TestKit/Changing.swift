import Synchronization

/// A value that a test changes while others read it.
public final class Changing<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    public init(_ value: Value) { self.value = Mutex(value) }

    public var current: Value { value.withLock { $0 } }

    public func become(_ value: Value) { self.value.withLock { $0 = value } }
}
