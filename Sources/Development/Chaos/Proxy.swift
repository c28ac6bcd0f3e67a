import Glibc
import NIOCore
import NIOPosix

/// A TCP proxy in front of one server, on 127.0.0.1, that can be made to misbehave.
struct Proxy: Sendable {
    private static let host = "127.0.0.1"
    private static let connectLimit = TimeAmount.seconds(5)
    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>
    private typealias Direction = (from: NIOAsyncChannelInboundStream<ByteBuffer>, to: NIOAsyncChannelOutboundWriter<ByteBuffer>)

    let port: Int
    let traffic = ProxyTraffic()
    private let serverPort: Int
    private let listener: NIOAsyncChannel<Connection, Never>

    /// Listens on `port`; connections are accepted once ``run()`` runs.
    init(on port: Int, to serverPort: Int) async throws {
        self.port = port
        self.serverPort = serverPort
        listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: Self.host, port: port) { channel in Self.wrap(channel) }
    }

    private static func wrap(_ channel: any Channel) -> EventLoopFuture<Connection> {
        channel.eventLoop.makeCompletedFuture { try Connection(wrappingChannelSynchronously: channel) }
    }

    /// Forwards data until it is cancelled; then all connections are ended.
    func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            try await listener.executeThenClose { clients in
                for try await client in clients { group.addTask { await serve(client) } }
            }
            group.cancelAll()
        }
    }

    /// A connection that breaks, at whichever end, ends; its owner sees that by itself.
    private func serve(_ client: Connection) async {
        try? await client.executeThenClose { fromClient, toClient in
            try await traffic.pass()
            let server = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connectTimeout(Self.connectLimit)
                .connect(host: Self.host, port: serverPort) { channel in Self.wrap(channel) }
            try await server.executeThenClose { fromServer, toServer in
                let wasReset = await passOn(client: (fromClient, toServer), server: (fromServer, toClient))
                guard wasReset else { return }
                // The next close drops what is under way and sends a reset.
                for channel in [client.channel, server.channel] {
                    try await (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
                }
            }
        }
    }

    /// Returns when either direction has ended, or when the connection is ended from outside: whether by a reset.
    private func passOn(client: Direction, server: Direction) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                try? await pump(client) { _ in try await traffic.pass() }
                return false
            }
            group.addTask {
                try? await pump(server) { try await traffic.pass(answer: $0.readableBytesView) }
                return false
            }
            group.addTask { await traffic.end() == .reset }
            let wasReset = await group.next() ?? false
            group.cancelAll()
            return wasReset
        }
    }

    private func pump(_ direction: Direction, _ pass: (ByteBuffer) async throws -> Void) async throws {
        for try await data in direction.from {
            try await pass(data)
            try await direction.to.write(data)
        }
        // The end of a connection has to pass, too.
        try await traffic.pass()
    }
}
