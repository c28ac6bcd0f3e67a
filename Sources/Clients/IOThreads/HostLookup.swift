import CThreads
import Glibc
import Synchronization

/// Looks up the addresses of host names.
///
/// The system's resolver has no timeout: it blocks for ten seconds or more if no name server answers, and cannot be interrupted. So each name has a thread of
/// its own while it is looked up, shared by all callers that ask for it, and a caller can stop waiting.
package final class HostLookup: Sendable {
    /// Numeric addresses, at least one.
    package typealias Outcome = Result<[String], HostLookupError>

    /// Limits concurrent lookups; a process connects to fewer servers.
    package static let mostAtOnce = 16
    /// Limits the addresses of one name; clusters have fewer nodes.
    package static let mostAddresses = 16
    /// One for all clients, so that the bound holds for the process.
    package static let ofProcess = HostLookup(resolver: systemAddresses)

    /// A waiting caller.
    package struct Call: Sendable {
        fileprivate let host: String
        fileprivate let number: Int
    }

    private struct State {
        /// The callers waiting for each name that is being looked up; empty if all have withdrawn.
        var waiting: [String: [Int: @Sendable (Outcome) -> Void]] = [:]
        var calls = 0
    }

    private let state = Mutex(State())
    private let resolver: @Sendable (String) -> Outcome

    package init(resolver: @escaping @Sendable (_ host: String) -> Outcome) {
        self.resolver = resolver
    }

    /// Calls `completion` once, on another thread or before this returns, unless the caller withdraws.
    @discardableResult
    package func start(_ host: String, completion: @escaping @Sendable (Outcome) -> Void) -> Call {
        guard !Self.isNumeric(host) else {
            completion(.success([host]))
            return Call(host: host, number: 0)
        }
        let (call, isFirst): (Call, Bool?) = state.withLock { state in
            state.calls += 1
            let call = Call(host: host, number: state.calls)
            let isFirst = state.waiting[host] == nil
            guard !isFirst || state.waiting.count < Self.mostAtOnce else { return (call, nil) }
            state.waiting[host, default: [:]][call.number] = completion
            return (call, isFirst)
        }
        switch isFirst {
        case nil: completion(.failure(HostLookupError("\(host) was not looked up: \(Self.mostAtOnce) other names wait for a name server")))
        case true?:
            let hasStarted = startThread(named: "host-lookup") { [self] in finish(host, resolver(host)) }
            if !hasStarted { finish(host, .failure(HostLookupError("\(host) was not looked up: no thread could be started"))) }
        case false?: break
        }
        return call
    }

    /// Whether the host is a numeric address, which needs no lookup.
    package static func isNumeric(_ host: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1
    }

    /// Stops waiting. The lookup continues, for the next caller that asks for the same name.
    package func withdraw(_ call: Call) {
        state.withLock { _ = $0.waiting[call.host]?.removeValue(forKey: call.number) }
    }

    private func finish(_ host: String, _ outcome: Outcome) {
        let callers = state.withLock { $0.waiting.removeValue(forKey: host) } ?? [:]
        for completion in callers.values { completion(outcome) }
    }

    /// Blocks the thread until the name has been looked up, but for at most `limit`.
    package func addresses(of host: String, within limit: Duration) -> Outcome {
        guard let arrival = Arrival() else { return .failure(HostLookupError("\(host) was not looked up: no file descriptor is free")) }
        let call = start(host) { arrival.deliver($0) }
        defer { withdraw(call) }
        return arrival.outcome(within: limit) ?? .failure(.late(host, limit))
    }
}

/// Why a host name has no addresses. The message names the host.
package struct HostLookupError: Error, Equatable {
    package let message: String

    package init(_ message: String) {
        self.message = message
    }

    package static func late(_ host: String, _ limit: Duration) -> HostLookupError {
        HostLookupError("\(host) was not looked up within \(limit): no name server answers")
    }
}

/// Where a blocked thread waits for an outcome.
private final class Arrival: Sendable {
    private let descriptor: Int32
    private let delivered = Mutex<HostLookup.Outcome?>(nil)

    init?() {
        descriptor = threads_eventfd()
        guard descriptor >= 0 else { return nil }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    func deliver(_ outcome: HostLookup.Outcome) {
        delivered.withLock { $0 = outcome }
        var one: UInt64 = 1
        _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
    }

    func outcome(within limit: Duration) -> HostLookup.Outcome? {
        let end = ContinuousClock.now + limit
        while true {
            if let outcome = delivered.withLock({ $0 }) { return outcome }
            let left = end - .now
            guard left > .zero else { return nil }
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            poll(&waiting, 1, left.pollTimeout)
        }
    }
}

// MARK: The system's resolver

@Sendable private func systemAddresses(of host: String) -> HostLookup.Outcome {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, nil, &hints, &list)
    guard status == 0, let list else {
        let reason = gai_strerror(status).map { String(cString: $0) } ?? "unknown host"
        return .failure(HostLookupError("\(host) has no address: \(reason)"))
    }
    defer { freeaddrinfo(list) }
    var found: [String] = []
    var next: UnsafeMutablePointer<addrinfo>? = list
    while let entry = next, found.count < HostLookup.mostAddresses {
        if let address = numeric(entry.pointee), !found.contains(address) { found.append(address) }
        next = entry.pointee.ai_next
    }
    return found.isEmpty ? .failure(HostLookupError("\(host) has no usable address")) : .success(found)
}

private func numeric(_ entry: addrinfo) -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { buffer in
        let status = getnameinfo(entry.ai_addr, entry.ai_addrlen, buffer.baseAddress, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST)
        guard status == 0, let text = buffer.baseAddress else { return nil }
        return String(cString: text)
    }
}
