import Tracing

extension Request {
    /// Runs `body` as part of this message's handling: its calls and requests are spans below the message's, if spans are recorded.
    public func traced<Result, Failure: Error>(_ body: () async throws(Failure) -> Result) async throws(Failure) -> Result {
        guard let context else { return try await body() }
        let result: Swift.Result<Result, Failure> = await InstrumentationContext.withValue(context) {
            do throws(Failure) {
                return .success(try await body())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}

extension [Request] {
    /// The same for several messages at once: a call for all of them is recorded with the first.
    func traced<Result, Failure: Error>(_ body: () async throws(Failure) -> Result) async throws(Failure) -> Result {
        guard let first else { return try await body() }
        return try await first.traced(body)
    }
}
