/// The server's answer. The body is whole and within the request's bound.
public struct WebResponse: Sendable {
    public var status: Int
    /// In the order of arrival; a name may occur more than once.
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]
    /// This machine's address on the connection, without the port; nil if it is not known.
    public var localAddress: String?

    public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = [], localAddress: String? = nil) {
        self.status = status
        self.headers = headers
        self.body = body
        self.localAddress = localAddress
    }

    /// The value of the first header of that name, upper and lower case alike; nil when there is none.
    public func first(_ name: String) -> String? {
        let name = name.lowercased()
        return headers.first { $0.name.lowercased() == name }?.value
    }

    /// Whether the status is one of 200 to 299.
    public var isSuccess: Bool { (200..<300).contains(status) }
}
