@echo off
rem Sets PYTHON to the Python that runs Fooocus: the portable package's, else a venv's, else the system's.
set "PYTHON="
for %%P in (
    "%~dp0..\..\python_embeded\python.exe"
    "%~dp0..\..\..\python_embeded\python.exe"
    "%~dp0..\..\..\..\python_embeded\python.exe"
    "%~dp0..\..\Fooocus\venv\Scripts\python.exe"
    "%~dp0..\..\..\venv\Scripts\python.exe"
) do if not defined PYTHON if exist %%P set "PYTHON=%%~fP"
if not defined PYTHON for /f "delims=" %%P in ('where python 2^>nul') do if not defined PYTHON set "PYTHON=%%P"
if not defined PYTHON (
    echo There is no Python here. Unpack this folder beside the folder Fooocus of the portable package.
    exit /b 1
)
exit /b 0
