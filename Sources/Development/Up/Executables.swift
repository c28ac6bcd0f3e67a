import FoundationEssentials
import LocalState
import Terminal

/// The two executables of this package. They are built into the same folder.
package struct Executables: Sendable {
    /// Runs in production: ingress, workers and operators' commands.
    package let wharf: String
    /// The executable of this process.
    package let wharfDev: String

    /// - Throws: ``UpError`` with code `start` when `wharf` does not lie beside this executable, or `/proc` cannot be read.
    package init() throws(UpError) {
        guard let file = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else {
            throw UpError(.start, "/proc/self/exe cannot be read.")
        }
        try self.init(wharfDev: file)
    }

    package init(wharfDev: String) throws(UpError) {
        self.wharfDev = wharfDev
        wharf = URL(filePath: wharfDev).deletingLastPathComponent().appending(path: "wharf").path
        guard FileManager.default.isExecutableFile(atPath: wharf) else {
            throw UpError(.start, "\(wharf) is missing: wharf-dev runs it for every role.", advice: "make build builds both executables.")
        }
    }

    package func path(of member: ChildSpec.Kind) -> String {
        if case .sandbox = member { wharfDev } else { wharf }
    }
}
