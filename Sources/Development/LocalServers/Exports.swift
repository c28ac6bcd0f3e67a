// The interface of the servers is made of processes: each of them has one.
@_exported import Processes
