/// A key, a password or a token: no log line, error or dump shows it. Code that sends it to its destination reads ``exposed`` there.
public struct Secret: Sendable, Hashable {
    public let exposed: String

    public init(_ text: String) {
        exposed = text
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The same for every secret, an empty one included.
    public var description: String { "(hidden)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
