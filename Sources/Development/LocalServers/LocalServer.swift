/// A private server in a folder of its own, listening on 127.0.0.1, and on one further address of this host if it was given one.
///
/// The server is a child of this process: ``stop()`` stops it, and the kernel kills it when this process
/// dies, even by `kill -9`.
public protocol LocalServer: Sendable {
    /// Where clients connect, with user name and password. Fixed from the initialiser on; keep it out of logs.
    var url: String { get }

    /// Starts the server over the data that its folder holds and returns when it answers its own protocol.
    ///
    /// Does nothing when it runs already. One call at a time.
    /// - Throws: ``LocalServerError``; after a throw no process of the server is left.
    func start() async throws

    /// Stops the server the orderly way, by force after a grace period; returns when all its processes are gone.
    func stop() async
}

extension LocalServer {
    /// Stops the server the orderly way and starts it again over its data, at the same address.
    public func restart() async throws {
        await stop()
        try await start()
    }
}
