import Ingress
import Operations
import Runtime
import ServiceLifecycle

/// The pause between the moment when an ingress stops being ready and the moment when its listener closes. This service starts after the ingress, so it stops first.
///
/// Without it, a gateway could send a request to an ingress that has just stopped accepting connections, and would not know whether the request was handled.
struct DrainPause: Service {
    let drain: Drain
    let pause: Duration
    let clock: any WallClock

    func run() async throws {
        try? await gracefulShutdown()
        drain.begin()
        try? await clock.sleep(for: pause)
    }
}

extension DrainPause: HasReadiness {
    var readiness: [ReadinessCheck] {
        [ReadinessCheck("stopping") { drain.hasBegun ? "this process is about to stop" : nil }]
    }
}
