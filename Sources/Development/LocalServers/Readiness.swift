/// Waits for a server that was just started.
struct Readiness: Sendable {
    /// A server that ends is noticed at once. This limit is for one that hangs; before it answers it may have a log to recover from, on a busy
    /// machine: killed in the middle, it would start over and never finish.
    static let limit = Duration.seconds(180)
    static let pause = Duration.milliseconds(50)

    let process: ManagedProcess
    let folder: ServerFolder
    var limit: Duration = limit

    /// Returns when the probe succeeds. When the process ends, or time is up, the process is killed.
    /// - Throws: ``LocalServerError`` with code `start` and the end of the log; or the probe's error.
    func wait(until probe: @Sendable () async throws -> Bool) async throws {
        do {
            let isReady = try await poll(every: Self.pause, within: limit) {
                guard await process.isRunning else {
                    let status = await process.lastExit ?? .unknown
                    throw LocalServerError(.start, "\(process.name) ended (\(status)) while it started.\n\(folder.endOfLog)")
                }
                return try await probe()
            }
            guard isReady else {
                throw LocalServerError(.start, "\(process.name) did not answer within \(limit).\n\(folder.endOfLog)")
            }
        } catch {
            await process.kill()
            throw error
        }
    }
}
