/// A key, a password or a token. No log line, error or dump shows it. Only code that sends it to its destination reads ``exposed``.
public struct Secret: Sendable, Hashable {
    public let exposed: String

    public init(_ text: String) {
        exposed = text
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The same text for every secret, including an empty one.
    public var description: String { "(hidden)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
