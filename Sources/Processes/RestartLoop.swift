/// Keeps a started process running. When the process ends, it is started again after a pause, which grows until the process becomes ready.
package struct RestartLoop: Sendable {
    /// An event of the process, for logs.
    package enum Event: Sendable {
        case ended(ManagedProcess.ExitStatus, pause: Duration)
        /// It could not be started again, and another attempt follows.
        case notStarted(any Error, pause: Duration)
        /// The process is ready, after this time.
        case startedAgain(after: Duration)
    }

    /// The pause between checks of readiness, which doubles until the process is ready.
    private static let firstLook = Duration.milliseconds(50)
    private static let longestLook = Duration.seconds(1)

    let process: ManagedProcess
    let start: @Sendable () async throws -> Void
    let stop: @Sendable () async -> Void
    let isReady: @Sendable (_ pid: Int32) async -> Bool

    /// - Parameters:
    ///   - start: Starts `process` again.
    ///   - stop: Ends `process` if it is being started again at the cancellation.
    ///   - isReady: Returns true if the process with this id can do its work.
    package init(
        _ process: ManagedProcess, start: @escaping @Sendable () async throws -> Void, stop: @escaping @Sendable () async -> Void,
        isReady: @escaping @Sendable (_ pid: Int32) async -> Bool
    ) {
        self.process = process
        self.start = start
        self.stop = stop
        self.isReady = isReady
    }

    /// Returns after cancellation, once the process has ended. The caller that cancels must end the process.
    package func run(_ report: @Sendable (Event) async -> Void) async {
        let clock = ContinuousClock()
        var policy = RestartPolicy()
        var began = clock.now
        while true {
            let (status, hadServed) = await end()
            if Task.isCancelled { return }
            var pause = policy.pause(afterRunning: clock.now - began, hadServed: hadServed)
            await report(.ended(status, pause: pause))
            while true {
                do {
                    try await clock.sleep(for: pause)
                    let startedAt = clock.now
                    try await start()
                    began = clock.now
                    await report(.startedAgain(after: began - startedAt))
                    break
                } catch is CancellationError {
                    return
                } catch {
                    pause = policy.pause(afterRunning: .zero, hadServed: false)
                    await report(.notStarted(error, pause: pause))
                }
            }
            // A stop may have missed the process, because it had not started yet.
            if Task.isCancelled { return await stop() }
        }
    }

    /// Waits for the end of the process, and meanwhile checks its readiness.
    private func end() async -> (status: ManagedProcess.ExitStatus, hadServed: Bool) {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                var pause = Self.firstLook
                while !Task.isCancelled {
                    if let pid = await process.pid, await isReady(pid) { return true }
                    try? await Task.sleep(for: pause)
                    pause = min(pause * 2, Self.longestLook)
                }
                return false
            }
            let status = await process.exit ?? .unknown
            group.cancelAll()
            return (status, await group.next() ?? false)
        }
    }
}
