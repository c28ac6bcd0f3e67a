extension AMQPConfiguration {
    /// Opens a connection as publishers and consumers do, and closes it again: to any of the nodes.
    /// - Throws: ``AMQPError``: why no node could be used.
    public func check() async throws(AMQPError) {
        let opened = try await ConnectionOpening.open(self, for: DetachedOwner())
        await withCheckedContinuation { continuation in
            ConnectionOpening.close(opened, within: closeTimeout) { continuation.resume() }
        }
    }
}

/// An owner that ignores its connection.
private final class DetachedOwner: ConnectionOwner {
    var wantsEvents: Bool { false }
    var isStopping: Bool { false }

    func prepare(_ channel: ConnectionHandle) {}
    func attach(_ connection: isolated AMQPConnection) {}
    func receive(_ events: [ConnectionEvent]) {}
    func write(on channel: ConnectionHandle) -> WriteProgress { .finished }
    func detach(_ error: AMQPError?) {}
    func stop(immediately: Bool) {}
    func end() {}
}
