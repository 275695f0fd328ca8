@echo off
rem Sets PYTHON to the Python that runs Fooocus: the portable package's or a venv's, in the folder GIVEN, next to it or above
rem it, else around this folder; else the system's.
set "PYTHON="
set "AT=%GIVEN%"
if defined GIVEN if exist "%AT%\launch.py" call :climb
set "AT=%~dp0."
if not defined PYTHON call :climb
rem Where no Python is installed, Windows has a python.exe in WindowsApps that prints an advertisement and fails.
if not defined PYTHON for /f "delims=" %%P in ('where python 2^>nul') do if not defined PYTHON (
    "%%~P" -c "" >nul 2>nul
    if errorlevel 0 if not errorlevel 1 set "PYTHON=%%~P"
)
if defined PYTHON exit /b 0
echo There is no Python of Fooocus around this folder. Move it next to the folder Fooocus of the portable package,
echo or drop the folder Fooocus onto install.bat.
exit /b 1

:climb
for %%P in (
    "%AT%\python_embeded\python.exe"
    "%AT%\python_embedded\python.exe"
    "%AT%\Fooocus\venv\Scripts\python.exe"
) do if not defined PYTHON if exist %%P set "PYTHON=%%~fP"
if not defined PYTHON if exist "%AT%\launch.py" if exist "%AT%\venv\Scripts\python.exe" set "PYTHON=%AT%\venv\Scripts\python.exe"
if defined PYTHON exit /b 0
for %%P in ("%AT%\..") do set "ABOVE=%%~fP"
if /i "%ABOVE%"=="%AT%" exit /b 0
set "AT=%ABOVE%"
goto :climb
