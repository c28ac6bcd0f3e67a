import LocalServers
import LocalState
import Operations
import Terminal

/// The ports of this run, the same as in the run before where they are free.
package struct UpPorts: Sendable {
    private struct Remembered: Codable, Equatable {
        var http: Int?
        var sandbox: Int?
        var console: Int?
    }

    package let http: PortChoice
    /// nil with a real payment gateway.
    package let sandbox: Int?
    /// The address of the web console; nil for a run without one.
    package let console: ListenAddress?

    package var consoleURL: String? { console.map { "http://\($0)/console" } }
    package var sandboxURL: String? { sandbox.map { "http://\(PortChoice.host):\($0)" } }

    /// - Throws: ``UpError``, `LocalServerError` with code `ports`.
    package static func choose(in folder: StateFolder, environment: [String: String], console: Console, wantsConsole: Bool = true) throws -> UpPorts {
        let known: Remembered? = try folder.read(from: StateFolder.portsFile)
        let given = environment["WHARF_HTTP_ADDRESS"].flatMap { $0.isEmpty ? nil : $0 }
        let http = try PortChoice(given: given, remembered: known?.http, isFree: FreePorts.isFree)
        if let remark = http.remark { console.line(remark) }
        var sandbox: Int?
        if environment["STRIPE_API_KEY", default: ""].isEmpty {
            sandbox = known?.sandbox.flatMap { FreePorts.isFree($0) ? $0 : nil }
            if sandbox == nil { sandbox = try FreePorts.next(for: folder.path) }
        }
        let page = wantsConsole ? try Self.console(environment["WHARF_CONSOLE_ADDRESS"], remembered: known?.console, folder) : nil
        let chosen = Remembered(http: given == nil ? http.address.port : known?.http, sandbox: sandbox ?? known?.sandbox, console: page?.port ?? known?.console)
        if chosen != known { try folder.write(chosen, to: StateFolder.portsFile) }
        return UpPorts(http: http, sandbox: sandbox, console: page)
    }

    private static func console(_ given: String?, remembered: Int?, _ folder: StateFolder) throws -> ListenAddress {
        if let given, !given.isEmpty {
            guard let address = ListenAddress(given), address.port > 0 else {
                throw UpError(.settings, "WHARF_CONSOLE_ADDRESS is \(given); it must be host:port, with a port from 1 to 65535.")
            }
            return address
        }
        if let remembered, FreePorts.isFree(remembered) { return ListenAddress(host: PortChoice.host, port: remembered) }
        return ListenAddress(host: PortChoice.host, port: try FreePorts.next(for: folder.path))
    }
}
