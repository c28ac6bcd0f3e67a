import NIOCore
import NIOPosix

/// One TCP connection to the ingress, written to and read from byte by byte, so that a test says exactly what is on the wire.
struct Connection {
    private static let maximumResponse = 4_000_000

    struct Closed: Error {}

    private let channel: any Channel
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private var received = ByteBuffer()

    static func with<T: Sendable>(_ port: Int, _ body: @Sendable (inout Connection) async throws -> T) async throws -> T {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            // A client may still send when the server has sent everything.
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, _ in
            var connection = Connection(channel: channel.channel, inbound: inbound.makeAsyncIterator())
            return try await body(&connection)
        }
    }

    /// Returns when the operating system has accepted all of it; throws when the server has reset the connection.
    func write(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text)).get()
    }

    func write(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
    }

    /// The next response. `hasBody` is false for the answer to HEAD.
    mutating func response(hasBody: Bool = true) async throws -> TestResponse {
        var head = ""
        while !head.hasSuffix("\r\n\r\n") {
            guard let byte = received.readBytes(length: 1) else {
                try await receive()
                continue
            }
            head += String(decoding: byte, as: UTF8.self)
        }
        var response = TestResponse(head: head)
        let length = response.headers["content-length"].flatMap { Int($0) } ?? 0
        if hasBody, length > 0 {
            while received.readableBytes < min(length, Self.maximumResponse) { try await receive() }
            response.body = received.readBytes(length: length) ?? []
        }
        return response
    }

    /// All that comes until the server closes the connection.
    mutating func rest() async -> String {
        while received.readableBytes < Self.maximumResponse, (try? await receive()) != nil {}
        return String(buffer: received)
    }

    /// Whether the server closes the connection without another byte.
    mutating func isClosed() async -> Bool {
        guard received.readableBytes == 0 else { return false }
        return (try? await inbound.next()) == nil
    }

    private mutating func receive() async throws {
        guard let buffer = try await inbound.next() else { throw Closed() }
        received.writeImmutableBuffer(buffer)
    }
}
