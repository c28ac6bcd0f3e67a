import LocalServers
import NIOCore
import NIOPosix
import Synchronization
import TestKit
import Testing

@testable import Chaos

@Suite(.timeLimit(.minutes(1))) struct `Chaos proxies` {
    @Test func `data passes in both directions, and is held and released on request`() async throws {
        try await withProxy { proxy, echo in
            let client = try await echo.connect(proxy.port)
            try await client.send("hello")
            try await eventually { client.received == "hello" }

            proxy.traffic.enter(.silent)
            try await client.send(" there")
            try await eventually("the echo is asked nothing") { client.received == "hello" }
            proxy.traffic.enter(.open)
            try await eventually { client.received == "hello there" }
        }
    }

    @Test func `a cut ends open connections and accepts none, until it is over`() async throws {
        try await withProxy { proxy, echo in
            let client = try await echo.connect(proxy.port)
            try await client.send("hello")
            try await eventually { client.received == "hello" }
            proxy.traffic.enter(.cut)
            try await eventually { client.isClosed }
            let second = try await echo.connect(proxy.port)
            try await eventually { second.isClosed }
            proxy.traffic.enter(.open)
            let third = try await echo.connect(proxy.port)
            try await third.send("again")
            try await eventually { third.received == "again" }
        }
    }

    @Test func `a reset ends even a held connection, and the next one works`() async throws {
        try await withProxy { proxy, echo in
            let client = try await echo.connect(proxy.port)
            try await client.send("hello")
            try await eventually { client.received == "hello" }
            proxy.traffic.enter(.silent)
            proxy.traffic.resetAll()
            try await eventually { client.isClosed }
            proxy.traffic.enter(.open)
            let next = try await echo.connect(proxy.port)
            try await next.send("again")
            try await eventually { next.received == "again" }
        }
    }

    @Test func `every second answer to a COMMIT ends its connection, the first one at once, and everything else passes`() async throws {
        let committed = "C\0\0\0\u{b}COMMIT\0Z\0\0\0\u{5}I"
        try await withProxy { proxy, echo in
            proxy.traffic.enter(.unansweredCommits)
            let client = try await echo.connect(proxy.port)
            try await client.send("hello")
            try await eventually { client.received == "hello" }
            try await client.send(committed)
            try await eventually { client.isClosed }
            #expect(client.received == "hello")
            let next = try await echo.connect(proxy.port)
            try await next.send(committed)
            try await eventually { next.received == committed }
        }
    }

    private func withProxy(_ body: @escaping @Sendable (Proxy, Echo) async throws -> Void) async throws {
        let echo = try await Echo()
        let proxy = try await Proxy(on: FreePorts.next(), to: echo.port)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await proxy.run() }
            defer { group.cancelAll() }
            try await body(proxy, echo)
        }
        try await echo.close()
    }
}

/// A server that echoes, and clients for it.
private struct Echo: Sendable {
    private final class Repeat: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            context.writeAndFlush(data, promise: nil)
        }
    }

    private let server: any Channel

    init() async throws {
        server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Repeat()) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    var port: Int { server.localAddress?.port ?? 0 }

    func connect(_ port: Int) async throws -> Client {
        let client = Client()
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Client.Reader(client)) }
            }
            .connect(host: "127.0.0.1", port: port).get()
        client.channel.withLock { $0 = channel }
        return client
    }

    func close() async throws { try await server.close() }
}

private final class Client: Sendable {
    final class Reader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let client: Client

        init(_ client: Client) {
            self.client = client
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: Self.unwrapInboundIn(data))
            client.state.withLock { $0.received += text }
        }

        func channelInactive(context: ChannelHandlerContext) {
            client.state.withLock { $0.isClosed = true }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }

    let channel = Mutex<(any Channel)?>(nil)
    private let state = Mutex((received: "", isClosed: false))

    var received: String { state.withLock { $0.received } }
    var isClosed: Bool { state.withLock { $0.isClosed } }

    func send(_ text: String) async throws {
        guard let channel = channel.withLock({ $0 }) else { return }
        try await channel.writeAndFlush(ByteBuffer(string: text))
    }
}
